"""A report that opens in a browser."""

import base64
import html
import os
import re

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 68rem;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  color: #1a1a1a; background: #fff; overflow-wrap: break-word;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: .5rem 0 1.2rem; }
h2 {
  font-size: 1.3rem; line-height: 1.3; margin: 2.4rem 0 .8rem;
  padding-bottom: .3rem; border-bottom: 1px solid #ddd;
}
p { max-width: 46rem; margin: .8rem 0; white-space: pre-line; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td {
  padding: .45rem .9rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid #ddd;
}
th { background: #f3f5f7; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
figure { margin: 1.4rem 0; }
figure .scroll { margin: 0; }
/* Narrow screens scroll a picture sideways: its text stays legible. */
img { display: block; max-width: 100%; height: auto; }
figcaption { color: #555; font-size: .92rem; margin-top: .5rem; }
pre {
  overflow-x: auto; padding: .9rem 1rem; background: #f3f5f7;
  border-radius: .4rem; font-size: .88rem; line-height: 1.45;
}
@media (max-width: 44rem) { img { max-width: none; width: 44rem; } }
"""
_MEDIA_TYPES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}


def write_page(path, title, sections):
    """Writes one HTML file that needs nothing else, not even a network.

    All text is escaped. Pictures are embedded.

    Args:
        path: String or path-like. HTML file to write.
        title: String.
        sections: List of tuples:

            - `("heading", text)`
            - `("paragraph", text)`; line breaks are kept
            - `("table", header, rows)`; a list of strings and a list of lists
              of strings or numbers. Columns of numbers are set to the right.
            - `("picture", path, caption)`; a PNG or JPEG file
            - `("code", text)`

    Raises:
        ValueError: If a section has another form, a row another length than
            the header, or a picture another format.

    Example:

    ```python
    write_page(
        "index.html",
        "Demo",
        [
            ("paragraph", "Two models were trained."),
            ("table", ["task", "mAP"], [["detection", 41.5]]),
            ("picture", "loss.png", "The training loss."),
        ],
    )
    ```
    """
    body = []
    for section in sections:
        kind, *arguments = section
        if kind not in _RENDERERS:
            raise ValueError(
                f"A section must be one of {list(_RENDERERS)}. Received: "
                f"{kind!r}"
            )
        render, num_arguments = _RENDERERS[kind]
        if len(arguments) != num_arguments:
            raise ValueError(
                f"A section {kind!r} must have {num_arguments} more elements. "
                f"Received: {len(arguments)}"
            )
        body.append(render(*arguments))
    title = html.escape(str(title))
    page = "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" '
            'content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{title}</h1>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _render_heading(text):
    return f"<h2>{html.escape(str(text))}</h2>"


def _render_paragraph(text):
    return f"<p>{html.escape(str(text))}</p>"


def _render_code(text):
    return f"<pre><code>{html.escape(str(text))}</code></pre>"


def _render_table(header, rows):
    rows = [[_format(cell) for cell in row] for row in rows]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(
                f"A row must have {len(header)} cells, as the header has. "
                f"Received: {row}"
            )
    kinds = [
        ' class="number"' if _is_numeric(column) else ""
        for column in ([row[i] for row in rows] for i in range(len(header)))
    ]
    lines = ['<div class="scroll"><table>', "<thead><tr>"]
    lines += [
        f'<th scope="col"{kind}>{html.escape(str(cell))}</th>'
        for kind, cell in zip(kinds, header, strict=True)
    ]
    lines.append("</tr></thead>\n<tbody>")
    for row in rows:
        cells = "".join(
            f"<td{kind}>{html.escape(cell)}</td>"
            for kind, cell in zip(kinds, row, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


def _render_picture(path, caption):
    extension = os.path.splitext(path)[1].lower()
    if extension not in _MEDIA_TYPES:
        raise ValueError(
            f"A picture must be one of {list(_MEDIA_TYPES)}. Received: "
            f"path={path}"
        )
    with open(path, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    caption = html.escape(str(caption))
    source = f"data:image/{_MEDIA_TYPES[extension]};base64,{data}"
    return (
        f'<figure><div class="scroll"><img alt="{caption}" src="{source}">'
        f"</div><figcaption>{caption}</figcaption></figure>"
    )


def _format(cell):
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _is_numeric(column):
    return any(column) and all(
        re.match(r"[-+\N{MINUS SIGN}]?[.\d]", cell) for cell in column if cell
    )


_RENDERERS = {
    "heading": (_render_heading, 1),
    "paragraph": (_render_paragraph, 1),
    "table": (_render_table, 2),
    "picture": (_render_picture, 2),
    "code": (_render_code, 1),
}
