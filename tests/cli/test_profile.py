"""`onex-analytics profile …` on eighty pages, of which the later forty take twice as long."""

import pytest

from onex_analytics.cli import main


def test_latencies_are_exact_and_the_slowest_come_first(traces_store, ask):
    rows = ask("profile", "latency", "--store", traces_store, "--by", "node", "--quantiles", "0.5,1")
    assert [row["node"] for row in rows] == ["query_node", "page_node"]
    page = rows[1]
    assert (page["n"], page["open"], page["p50_ms"], page["p100_ms"]) == (80, 1, 26.0, 46.0)
    assert page["exact"] is True


@pytest.mark.parametrize("more", [[], ["--sketch"]])
@pytest.mark.parametrize("by", ["", "node"])
def test_a_table_without_quantiles_is_in_order_of_its_groups(by, more, traces_store, ask):
    rows = ask("profile", "latency", "--store", traces_store, "--by", by, "--quantiles", "", *more)
    assert [row.get("node") for row in rows] == (["page_node", "query_node"] if by else [None])


def test_a_group_that_is_no_column_is_refused_with_a_mend_that_fits_spans(traces_store, capsys):
    assert main(["profile", "latency", "--store", traces_store, "--by", "nodde"]) == 2
    assert "Mend: name a column that is there" in capsys.readouterr().err


def test_a_sketch_says_that_it_is_one_and_stays_within_its_bound(traces_store, ask):
    words = ["profile", "latency", "--store", traces_store, "--by", "node", "--quantiles", "0.5"]
    exact, sketched = ({row["node"]: row for row in ask(*words, *more)} for more in ([], ["--sketch"]))
    for node, row in sketched.items():
        assert row["exact"] is False
        assert row["p50_ms"] == pytest.approx(exact[node]["p50_ms"], rel=0.00542)


def test_a_table_from_a_sketch_says_how_near_its_values_are(traces_store, capsys):
    assert main(["profile", "latency", "--store", traces_store]) == 0
    assert "sketch" not in capsys.readouterr().err
    assert main(["profile", "latency", "--store", traces_store, "--sketch"]) == 0
    assert "within 0.5% of the exact one" in capsys.readouterr().err


def test_a_table_of_resources_that_nobody_told_says_who_would(traces_store, capsys):
    assert main(["profile", "resources", "--store", traces_store]) == 0
    assert "PERFORMANCE_PROFILE" in capsys.readouterr().err


def test_a_table_for_people_leaves_out_what_is_the_same_in_every_row(traces_store, capsys):
    assert main(["profile", "latency", "--store", traces_store]) == 0
    heading = capsys.readouterr().out.splitlines()[0].split()
    assert "p95_ms" in heading
    assert not {"exact", "relative_error", "weight"} & set(heading)


def test_spans_are_chosen_by_time_and_node(traces_store, ask):
    words = ["profile", "latency", "--store", traces_store, "--by", ""]
    (row,) = ask(*words, "--node", "page_node", "--since", "2026-11-01T12:40", "--until", "2026-11-01T12:50")
    assert (row["n"], row["min_ms"]) == (10, 40.0)


def test_a_time_series_has_a_row_a_bucket(traces_store, ask):
    rows = ask("profile", "timeseries", "--store", traces_store, "--every", "10m", "--node", "page_node")
    assert [row["n"] for row in rows] == [10] * 8
    assert rows[0]["start"] == "2026-11-01T12:00:00+00:00"
    assert len(ask("profile", "timeseries", "--store", traces_store)) > 8


@pytest.mark.parametrize(("words", "code"), [([], 0), (["--min-apdex", "0.5"], 0), (["--min-apdex", "0.99"], 1)])
def test_a_group_below_the_least_apdex_is_a_finding(words, code, traces_store, ask):
    rows = ask("profile", "apdex", "--store", traces_store, "--threshold-ms", "30", "--by", "node", *words, code=code)
    assert {row["node"] for row in rows} == {"page_node", "query_node"}
    assert rows == sorted(rows, key=lambda row: row["apdex"])


@pytest.mark.parametrize(("objective", "code"), [("0.6", 0), ("0.7", 1)])
def test_a_spent_error_budget_is_a_finding(objective, code, traces_store, ask):
    words = ["--store", traces_store, "--node", "query_node", "--objective", objective]
    (row,) = ask("profile", "slo", *words, code=code)
    assert (row["n"], row["bad"]) == (81, 27)
    assert (row["budget_left"] <= 0) == bool(code)


def test_two_versions_are_compared_and_a_regression_fails_where_asked(traces_store, ask):
    words = ["profile", "compare", "--store", traces_store, "--column", "node_version", "--by", "node"]
    words += ["--baseline", "1.3.*", "--candidate", "1.4.0"]
    rows = ask(*words)
    assert {row["node"]: row["verdict"] for row in rows} == {"page_node": "regression", "query_node": "regression"}
    ask(*words, "--fail-on", "regression", code=1)
    assert len(ask(*words, "--fail-on", "improvement")) == 2


def test_two_times_are_compared(traces_store, ask):
    words = ["profile", "compare", "--store", traces_store, "--by", "", "--node", "page_node"]
    (row,) = ask(*words, "--baseline", "..2026-11-01T12:40", "--candidate", "2026-11-01T12:40..")
    assert (row["n_baseline"], row["n_candidate"], row["open_baseline"]) == (40, 40, 1)
    assert row["p50_ratio"] == pytest.approx(43 / 23)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--baseline", "1.3.0", "--candidate", "9.9", "--column", "node_version"], "such as 1.3.0, 1.4.0"),
        (["--baseline", "1.3.0", "--candidate", "1.4.0"], "or a value and --column"),
        (["--baseline", "2030-01-01..", "--candidate", ".."], "a time in which something began"),
        (["--baseline", "..", "--candidate", "..", "--column", "colour"], "missing columns"),
        (["--baseline", "..", "--candidate", "..", "--fail-on", "slowness"], "some of regression, improvement"),
    ],
)
def test_sides_that_are_not_there_are_refused_with_the_mend(words, said, traces_store, capsys):
    assert main(["profile", "compare", "--store", traces_store, *words]) == 2
    assert said in capsys.readouterr().err


def test_a_change_of_level_is_found_where_it_happened(traces_store, ask):
    words = ["profile", "change-points", "--store", traces_store, "--node", "page_node", "--every", "1m"]
    (point,) = ask(*words, "--method", "welch")
    assert point["start"] == "2026-11-01T12:40:00+00:00"
    ask(*words, "--method", "welch", "--max-changes", "0", code=1)
    assert main([*words, "--method", "guess"]) == 2


def test_what_is_different_about_the_slow_ones(traces_store, ask):
    words = ["profile", "contrast", "--store", traces_store, "--column", "node_version,node"]
    slow = ask(*words, "--slower-than", "30ms", "--node", "page_node")
    assert slow[0]["pattern"] == "node_version=1.4.0"
    assert slow[0]["recall"] == 1
    assert ask(*words, "--slower-than", "0.03s", "--node", "page_node") == slow
    assert ask(*words, "--slower-than", "30", "--node", "page_node") == slow
    within = ask(*words, "--slower-than", "50%")
    assert within[0]["pattern"] == "node_version=1.4.0"
    everything = ask(*words, "--slower-than", "95%", "--within", "")
    assert everything != within
    failed = ask(*words, "--failed")
    assert failed[0]["pattern"] == "node=query_node"
    assert main([*words, "--slower-than", "much%"]) == 2
    assert main([*words, "--slower-than", "much"]) == 2


def test_a_flame_graph_is_folded_text_or_a_frame(traces_store, ask, capsys, tmp_path):
    assert main(["profile", "flame", "--store", traces_store]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.rpartition(" ")[0] for line in lines} == {"page_node", "page_node;query_node", "query_node"}
    nodes = ask("profile", "flame", "--store", traces_store, "--weight", "critical")
    assert nodes[0]["path"] == ["page_node"]
    assert main(["profile", "flame", "--store", traces_store, "--out", str(tmp_path / "f.txt")]) == 0
    assert (tmp_path / "f.txt").read_text(encoding="utf-8").splitlines() == lines
    assert main(["profile", "flame", "--store", traces_store, "--weight", "gold"]) == 2


def test_how_much_is_under_way(traces_store, ask):
    rows = ask("profile", "concurrency", "--store", traces_store, "--every", "10m", "--node", "page_node")
    assert max(row["peak"] for row in rows) == 2
    assert rows[-1]["open"] == 1
    queues = ask("profile", "concurrency", "--store", traces_store, "--queueing")
    assert [row["node"] for row in queues] == ["page_node", "query_node"]
    words = ["profile", "concurrency", "--store", traces_store, "--queueing", "--figure", "x.html"]
    assert main(words) == 2


def test_a_heat_map_counts_every_span_that_was_measured(traces_store, ask):
    cells = ask("profile", "heatmap", "--store", traces_store)
    assert sum(cell["n"] for cell in cells) == 161


def test_work_that_tells_no_resources_has_none(traces_store, ask):
    assert ask("profile", "resources", "--store", traces_store) == []


FIGURES = [
    "traces show page-77", "traces open", "traces critical-path", "profile latency", "profile timeseries",
    "profile heatmap", "profile flame", "profile concurrency", "profile change-points --node page_node --every 1m",
    "profile compare --column node_version --baseline 1.3.0 --candidate 1.4.0",
]  # fmt: skip


@pytest.mark.parametrize("words", FIGURES)
def test_a_figure_is_one_file_that_asks_no_host(words, traces_store, tmp_path, capsys):
    target = tmp_path / "figure.html"
    assert main([*words.split(), "--store", traces_store, "--figure", str(target)]) == 0
    page = target.read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert 'class="plot"' in page
    assert f"figure: {target}" in capsys.readouterr().err


def test_a_distribution_reaches_all_of_the_work_at_the_longest(traces_store, ask, tmp_path):
    rows = ask("profile", "ecdf", "--store", traces_store, "--by", "node", "--figure", str(tmp_path / "ecdf.html"))
    for node in ("page_node", "query_node"):
        shares = [row["share"] for row in rows if row["node"] == node]
        assert shares == sorted(shares) and shares[-1] == 1.0
    assert "took at most" in (tmp_path / "ecdf.html").read_text(encoding="utf-8")


VERSIONS = ["--column", "node_version", "--baseline", "1.3.0", "--candidate", "1.4.*"]


def test_the_change_of_the_mean_is_shared_out(traces_store, ask):
    words = ["profile", "attribute-change", "--store", traces_store, "--by", "node", *VERSIONS]
    (page,) = ask(*words, "--node", "page_node")
    assert (page["rate_ms"], page["mix_ms"]) == (pytest.approx(20, abs=0.5), 0.0)
    both = ask(*words)
    assert {row["node"] for row in both} == {"page_node", "query_node"}
    assert ask(*words, "--limit", "1") == both[:1]


def test_a_flame_graph_of_the_difference_says_which_path_got_heavier(traces_store, ask, capsys, tmp_path):
    nodes = {tuple(row["path"]): row for row in ask("profile", "flame-diff", "--store", traces_store, *VERSIONS)}
    assert nodes["page_node", "query_node"]["delta_own_per_tree_ms"] == pytest.approx(20, abs=1)
    assert nodes["page_node",]["delta_own_per_tree_ms"] == pytest.approx(0, abs=0.5)
    figure = tmp_path / "difference.html"
    assert main(["profile", "flame-diff", "--store", traces_store, *VERSIONS, "--figure", str(figure)]) == 0
    heading, *paths = capsys.readouterr().out.splitlines()
    assert heading.split()[0] == "path"
    assert any(path.startswith("page_node > query_node ") for path in paths)
    assert "1.3.0 → 1.4.*" in figure.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["attribute-change", "flame-diff"])
def test_a_side_without_spans_is_refused_by_each_comparison(command, traces_store, capsys):
    words = ["--store", traces_store, "--column", "node_version", "--baseline", "1.3.0", "--candidate", "9.9"]
    assert main(["profile", command, *words]) == 2
    assert "such as 1.3.0, 1.4.0" in capsys.readouterr().err
