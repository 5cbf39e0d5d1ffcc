"""The text part: readable by itself, from the same source as the HTML."""

from nurture.content.compile import compile_template
from nurture.content.render import render
from tests.support.letters import URLS, rendered, section, template, values


def text_of(body: str) -> str:
    return render(compile_template(template(body)), values()).text


def test_paragraphs_stand_apart_and_lines_do_not_hang_in_the_air() -> None:
    assert text_of(section("One") + section("Two<br />three")).startswith("One\n\nTwo\nthree\n\n")


def test_links_show_their_address() -> None:
    mail = rendered('See <a href="https://a.example/x">our page</a>.')
    assert f"See our page ({URLS.click}/1)." in mail.text
    assert f"unsubscribe ({URLS.unsubscribe})" in mail.text


def test_addresses_are_not_repeated() -> None:
    mail = rendered(
        '<a href="mailto:a@example.com">a@example.com</a> <a href="tel:+351">call</a> <a href="#t">top</a>'
    )
    assert "a@example.com call (+351) top" in mail.text


def test_linked_picture_is_told_by_its_words() -> None:
    mail = rendered('<a href="https://a.example/x"><img src="https://a.example/i.png" alt="Our map" /></a>')
    assert f"Our map ({URLS.click}/1)" in mail.text


def test_preheader_and_styles_stay_out() -> None:
    layout = "<mjml><mj-head><mj-preview><!-- preheader --></mj-preview>"
    layout += "<mj-style>b { color: red }</mj-style></mj-head>"
    layout += "<mj-body><!-- slot --></mj-body></mjml>"
    body = section("{{ from_identity.postal_address }}{{ unsubscribe_url }}")
    text = render(compile_template(template(body, layout=layout, preheader="Look here")), values()).text
    assert "Look here" not in text
    assert "color" not in text


def test_tables_of_data_keep_their_columns() -> None:
    table = "<mj-table><tr><td>Week</td><td>What</td></tr><tr><td>1</td><td>Connect</td></tr></mj-table>"
    text = text_of(f"<mj-section><mj-column>{table}</mj-column></mj-section>")
    assert text.startswith("Week  What\n1     Connect\n")


def test_characters_that_mean_something_in_html_are_plain() -> None:
    assert text_of(section("Orrin &amp; Dale &lt;3 &euro;5&nbsp;!")).startswith("Orrin & Dale <3 €5 !")
