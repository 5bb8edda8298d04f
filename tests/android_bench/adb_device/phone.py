"""What a simulated device says of itself: files and small scripts in the folder that stands for its `/`."""

import dataclasses
import pathlib
import shlex
import shutil

# What Android's toolbox has of what the harness uses. Nothing else of this computer is on the device's search path.
TOOLBOX = ("cat", "chmod", "mkdir", "pkill", "rm", "rmdir", "sh", "sha256sum", "sleep", "test", "true", "uname")


@dataclasses.dataclass
class Phone:
    """A device's properties and state; `write` makes them what its programs tell."""

    model: str = "simulated test device"
    abi: str = "arm64-v8a"
    api_level: int = 34
    max_khz: tuple[int, ...] = (1_800_000,) * 4 + (2_800_000,) * 4
    limit_khz: tuple[int, ...] = (1_800_000,) * 4 + (2_800_000,) * 4
    has_taskset: bool = True
    thermal_status: int = 0
    battery_percent: int = 80
    battery_celsius: float = 27.5
    is_awake: bool = True
    is_saving_power: bool = False
    free_kb: int = 4_000_000
    boot_id: str = "0b6ca1ec-1111-4222-8333-123456789abc"
    stay_awake: str | None = None  # the setting stay_on_while_plugged_in before anyone changes it

    def make(self, root: pathlib.Path) -> None:
        """Makes the device's files and programs."""
        programs = root / "system/bin"
        programs.mkdir(parents=True)
        for name in TOOLBOX:
            (programs / name).symlink_to(shutil.which(name) or name)
        scripts = {"getprop": "cat ROOT/state/properties", "dumpsys": "cat ROOT/state/$1", "df": "cat ROOT/state/df"}
        scripts["settings"] = _SETTINGS
        if self.has_taskset:
            scripts["taskset"] = 'echo "$1" >> ROOT/state/masks; shift; exec "$@"'
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script.replace('ROOT', shlex.quote(str(root)))}\n")
            (programs / name).chmod(0o755)
        (root / "state/settings").mkdir(parents=True)
        if self.stay_awake is not None:
            (root / "state/settings/stay_on_while_plugged_in").write_text(f"{self.stay_awake}\n")
        self.write(root)

    def write(self, root: pathlib.Path) -> None:
        """Makes the device tell the present values."""
        for path, text in self._files().items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(f"{text}\n")

    def _files(self) -> dict[str, str]:
        properties = {
            "ro.product.manufacturer": "EdgeDIPN",
            "ro.product.model": self.model,
            "ro.soc.manufacturer": "Nobody",
            "ro.soc.model": "S1",
            "ro.product.cpu.abilist": self.abi,
            "ro.build.version.release": "14",
            "ro.build.version.sdk": str(self.api_level),
            "ro.build.fingerprint": "edgedipn/simulated/test:14/TEST/1:userdebug/test-keys",
        }
        files = {
            "state/properties": "\n".join(f"[{name}]: [{value}]" for name, value in properties.items()),
            "state/battery": f"Current Battery Service state:\n  AC powered: false\n  USB powered: true\n"
            f"  level: {self.battery_percent}\n  scale: 100\n  temperature: {round(10 * self.battery_celsius)}",
            "state/thermalservice": f"IsStatusOverride: false\nThermal Status: {self.thermal_status}\n"
            "Cached temperatures:\n\tTemperature{mValue=30.0, mType=0, mName=cpu-0, mStatus=0}\n"
            "Current temperatures from HAL:\n\tTemperature{mValue=41.5, mType=0, mName=cpu-0, mStatus=0}\n"
            "\tTemperature{mValue=31.25, mType=3, mName=skin, mStatus=0}",
            "state/power": f"POWER MANAGER (dumpsys power)\n  mWakefulness={'Awake' if self.is_awake else 'Asleep'}",
            "state/settings/low_power": "1" if self.is_saving_power else "0",
            "state/df": f"Filesystem 1K-blocks Used Available Use% Mounted on\n"
            f"/dev/block/dm-8 100000000 1 {self.free_kb} 1% /data",
            "proc/uptime": "1234.56 9876.54",
            "proc/sys/kernel/random/boot_id": self.boot_id,
        }
        for cpu, (top, limit) in enumerate(zip(self.max_khz, self.limit_khz, strict=True)):
            folder = f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
            files |= {f"{folder}/cpuinfo_max_freq": str(top), f"{folder}/scaling_max_freq": str(limit)}
            files |= {f"{folder}/scaling_cur_freq": str(limit // 2), f"{folder}/scaling_governor": "schedutil"}
        return files


_SETTINGS = """
file=ROOT/state/settings/$3
case "$1 $2" in
"get global") if test -f "$file"; then cat "$file"; else echo null; fi;;
"put global") echo "$4" > "$file";;
"delete global") rm -f "$file"; echo "Deleted 1 rows";;
*) exit 255;;
esac"""
