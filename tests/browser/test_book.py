"""The book in a browser: what it asks for, what it shows, where its links lead."""


def test_the_front_page_opens(page, site):
    page.goto(f"{site}index.html")
    assert "One Gradient at a Time" in page.title()
