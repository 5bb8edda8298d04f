"""The device side of the adb protocol, for tests: the real `adb` program connects to it over the loopback interface.

It is no phone. Commands run in this computer's shell with `/data/local/tmp` replaced by a folder of the test, and its
figures come from a script. What it shows is that the harness speaks to adb correctly and takes no fault for a result.

    packets     24-byte header and payload
    connection  handshake, authorization, streams
    shell       the service that runs a command (shell protocol 2, with exit codes)
    file_sync   the service behind `adb push` and `adb pull`
    phone       what a device says of itself, as files and scripts
    simulated   one device: its folder, its phone and scripted faults
    server      the loopback server, and attaching it with `adb connect`

Left out, because nothing here needs it: RSA signatures (a device either trusts everyone or nobody), TLS, terminals,
standard input of commands.
"""
