"""An audit's report as one HTML page to file: what was checked, when, by which versions, and every deviation.

Chinese and English side by side; no script, no outside resource, fit for print. Everything from the ledger
is escaped, and of the report's harmless form: a deviation may quote what a forger wrote.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ledger.audit.plain import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.audit.report import DeviationDict, ReasonDict, Report

_STYLE = """
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1b1f24;
  background: #fff; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
.ok { color: #116329; }
.bad { color: #a40e26; }
.open { color: #7d4e00; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #d0d7de; padding: .35rem .6rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #f6f8fa; font-weight: 600; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font: 13px/1.4 ui-monospace, monospace; }
@media print { body { margin: 0; max-width: none; } tr { break-inside: avoid; } }
"""

#: What each count is of, in Chinese; one without an entry is shown by its English name alone.
_CHINESE = {
    "facts": "链上事实",
    "authorities": "监管机构",
    "enterprises": "企业",
    "batches": "批次",
    "runs": "连续记录段",
    "records": "信用记录",
    "tree_heads": "树头",
    "cards": "评分卡",
    "assessments": "评定",
    "objections": "异议",
    "batches_signed": "签名批次",
    "batches_sent_by_their_key": "密钥自行发送的批次",
    "batches_of_contract_wallets": "合约钱包批次",
    "answers_signed": "签名答复",
    "answers_sent_by_their_key": "密钥自行发送的答复",
    "answers_of_contract_wallets": "合约钱包答复",
    "documents": "文书",
    "erased": "已销毁文书",
    "identities": "主体身份",
    "scores": "已公布评分",
    "scores_recomputed": "重新计算的评分",
    "index_rows": "索引行",
    "heads": "企业链头",
    "checkpoints": "检查点",
    "contracts": "合约代码",
    "outbox_batches": "待发箱批次",
    "outbox_rows": "待发箱记录",
    "statements": "异议陈述",
    "checkpoint_statements": "检查点所述状态",
    "role_changes": "权限变更",
    "facts_of_other_nodes": "其他节点的事实",
}


def report_html(report: Report, about: Mapping[str, str]) -> str:
    """Return the page. `about` says, in order, what was audited and by what: chain, versions, times."""
    said = report.shown()
    english, chinese = report.headline
    kind = {"holds": "ok", "deviates": "bad", "not checked": "open"}[report.verdict]
    checked = "".join(
        f"<tr><td>{_CHINESE.get(name, '')} {escape(name.replace('_', ' '))}</td>"
        f'<td class="number">{count:,}</td></tr>'
        for name, count in said["checked"].items()
    )
    told: dict[str, str] = harmless(dict(about))
    told |= {"scope 范围": said["scope"]} if said["scope"] else {}
    facts = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in told.items()
    )
    return f"""<!doctype html>
<html lang="zh">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>账本审计报告 Audit report</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>账本审计报告 Audit report</h1>
<p class="{kind}"><strong>{chinese} {english}</strong></p>
<table>{facts}</table>
<h2>已核验 Checked</h2>
<table><tr><th>项目 Item</th><th>数量 Count</th></tr>{checked}</table>
{_deviations(said["deviations"])}
{_reasons("未能核验 Not checked", said["not_checked"])}
{_reasons("待复核 For review", said["review"])}
{_members(said["members"])}
</body>
</html>
"""


def _reasons(title: str, reasons: Sequence[ReasonDict]) -> str:
    if not reasons:
        return ""
    rows = "".join(
        f"<tr><td>{number}</td><td>{escape(each['what'])}</td><td>{escape(each['where'])}</td>"
        f"<td><code>{escape(each['why'])}</code></td></tr>"
        for number, each in enumerate(reasons, 1)
    )
    head = "<th>#</th><th>事项 What</th><th>位置 Where</th><th>原因 Why</th>"
    return f"<h2>{title}</h2>\n<table><tr>{head}</tr>{rows}</table>"


def _members(members: Sequence[str]) -> str:
    if not members:
        return ""
    rows = "".join(f"<tr><td>{escape(each)}</td></tr>" for each in members)
    return f"<h2>治理权限 Who may govern</h2>\n<table>{rows}</table>"


def _deviations(deviations: Sequence[DeviationDict]) -> str:
    if not deviations:
        return ""
    rows = "".join(
        f"<tr><td>{number}</td><td>{escape(each['what'])}</td><td>{escape(each['where'])}</td>"
        f"<td><code>{escape(each['expected'])}</code></td><td><code>{escape(each['found'])}</code></td></tr>"
        for number, each in enumerate(deviations, 1)
    )
    head = "<th>#</th><th>偏差 What</th><th>位置 Where</th><th>应为 Expected</th><th>实为 Found</th>"
    return f"<h2>偏差 Deviations</h2>\n<table><tr>{head}</tr>{rows}</table>"
