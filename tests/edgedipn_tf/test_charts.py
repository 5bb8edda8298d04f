import re

import pytest

from edgedipn_tf.charts import Scale, figure, line, path, rectangle, tag, text, titled


def test_a_linear_scale():
    scale = Scale(0.0, 10.0, 100.0, 200.0)
    assert [scale(value) for value in (0, 2.5, 10, -5, 99)] == [100, 125, 200, 100, 200]
    assert scale.ticks() == [0, 2, 4, 6, 8, 10]


def test_a_logarithmic_scale():
    scale = Scale(1.0, 100.0, 0.0, 200.0, is_log=True)
    assert [scale(value) for value in (1, 10, 100)] == [0, 100, 200]
    assert scale.ticks() == [1, 2, 5, 10, 20, 50, 100]


def test_a_vertical_scale_runs_upwards():
    assert Scale(0.0, 1.0, 300.0, 20.0)(0.5) == 160


def test_many_decades_keep_powers_of_ten():
    assert Scale(0.01, 1000.0, 0.0, 1.0, is_log=True).ticks() == pytest.approx([0.01, 0.1, 1, 10, 100, 1000])


@pytest.mark.parametrize(("low", "high"), [(26.2, 47.5), (0.0, 0.013), (-3.0, 4.0), (1e-9, 2e-9), (0.0, 12345.0)])
def test_ticks_are_few_round_and_inside(low, high):
    ticks = Scale(low, high, 0.0, 1.0).ticks()
    assert 2 <= len(ticks) <= 7
    assert all(low - 1e-12 <= tick <= high * (1 + 1e-9) for tick in ticks)


@pytest.mark.parametrize(("low", "high", "is_log"), [(1.0, 1.0, False), (2.0, 1.0, False), (0.0, 1.0, True)])
def test_no_range_is_refused(low, high, is_log):
    with pytest.raises(ValueError, match="no range"):
        Scale(low, high, 0.0, 1.0, is_log)


def test_marks():
    assert line(1, 2, 3, 4, "grid") == '<line x1="1" y1="2" x2="3" y2="4" class="grid"></line>'
    assert rectangle(1, 2, 4, 8, "bar") == '<rect x="1" y="2" width="3" height="6" class="bar"></rect>'
    assert path([(1, 2), (3, 4)], "line") == '<path d="M1,2L3,4" class="line"></path>'
    assert text(1, 2, "a") == '<text x="1" y="2" class="tick" text-anchor="start">a</text>'
    assert figure(10, "what", ["<g></g>"]).startswith('<svg viewBox="0 0 920 10" role="img" aria-label="what"><g>')


def test_foreign_text_is_escaped():
    hostile = '"><script>x</script>'
    for mark in (text(0, 0, hostile), titled("", hostile), tag("g", class_=hostile), figure(1, hostile, [])):
        assert "<script" not in mark and not re.search(r'"[^"=<>]*">[^<]*"', mark)
