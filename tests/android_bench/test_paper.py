from android_bench import paper


def test_times_of_table_3():
    # The corners of the printed table: Att and RNN, lengths 64 and 512.
    assert (paper.times_ms("edgedipn")[64], paper.times_ms("edgedipn")[512]) == (13.7, 48.9)
    assert (paper.times_ms("edgedipn_with_gru")[64], paper.times_ms("edgedipn_with_gru")[512]) == (19.5, 111.6)
    gain = 1 - paper.times_ms("edgedipn")[512] / paper.times_ms("edgedipn_with_gru")[512]
    assert round(100 * gain, 1) == 56.2  # section 5.2 says so in words


def test_sizes_of_table_3():
    assert (paper.sizes_mb("edgedipn")[256], paper.sizes_mb("edgedipn_with_gru")[512]) == (1.57, 3.83)
    assert paper.sizes_mb("edgedipn").keys() == paper.times_ms("edgedipn").keys()
    assert paper.sizes_mb("dipn") == {}


def test_a_line_is_marked_as_the_papers():
    (line,) = paper.lines(["dipn", "edgedipn"])
    assert line.startswith("paper's Table 3, not measured here: edgedipn: 13.7 ms at length 64, 22.6 ms at length 128")


def test_models_that_the_table_lacks():
    assert paper.times_ms("dipn") == {}
    assert paper.lines(["dipn", "edgedipn_v0"]) == []
