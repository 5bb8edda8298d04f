"""The table of all runs of one seed."""

from edgedipn_tf import commands
from edgedipn_tf.experiments import run_table
from edgedipn_tf.experiments.run_files import RunFiles
from tests.edgedipn_tf.experiments.made_runs import drawn, write_run


def run(folder, seed):
    arguments = [f"--runs={folder}", f"--seed={seed}"]
    return commands.run(run_table.DESCRIPTION, run_table.define_flags, run_table.main, arguments)


def test_the_finished_runs_of_a_seed(tmp_path, capsys):
    files = RunFiles(tmp_path)
    purchase = {"realtime_purchase": drawn(0.7)}
    write_run(files, "edgedipn-seed1", purchase | {"retention": drawn(0.6)}, fold=None)
    write_run(files, "edgedipn-seed2", purchase, 2, fold=None)
    write_run(files, "gbdt-fold0-seed1", purchase, fold=0, parameters=None)
    write_run(files, "oracle,judged=base", {"realtime_purchase": drawn(0.9)}, None)
    files.write_failure("edgedipn_v1-seed1", "a reason")
    assert run(tmp_path, 1) == 0
    assert capsys.readouterr().out.splitlines() == [
        "| run | RPAUC | RAUC | parameters | wall s | CPU s |",
        "| --- | --- | --- | --- | --- | --- |",
        "| edgedipn-seed1 | 0.7000 (0.6905 to 0.7095) | 0.6000 (0.5905 to 0.6095) | 1,234,567 | 12 | 21 |",
        "| gbdt-fold0-seed1 | 0.7000 (0.6905 to 0.7095) | – | – | 12 | 21 |",
        "",
        "Of SIMULATED logs: nobody ever did what they tell.",
    ]


def test_no_run_of_the_seed_is_one_line(tmp_path, capsys):
    assert run(tmp_path / "nowhere", 3) == 2
    assert "nowhere has no finished run of --seed=3" in capsys.readouterr().err
