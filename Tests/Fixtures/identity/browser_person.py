#!/usr/bin/env python3
"""A person with a browser: opens the page of a sign-in, approves it, and goes wherever the forms lead.

usage: browser_person.py ADDRESS
PERSON is the account that is chosen (default: the one that the page marks), DECISION what is pressed. The last page's
text goes to the file LAST_PAGE.
"""

import html.parser
import http.cookiejar
import os
import sys
import urllib.parse
import urllib.request


class Form(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes.get("action", "")
        if tag != "input" or "name" not in attributes:
            return
        if attributes.get("type") == "radio" and "checked" not in attributes:
            return
        self.fields[attributes["name"]] = attributes.get("value", "")


def main():
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(jar, urllib.request.ProxyHandler({}))
    page = browser.open(sys.argv[1])
    while True:
        text, place = page.read().decode(), page.geturl()
        form = Form(text)
        if form.action is None:
            break
        fields = dict(form.fields)
        if "csrf" in fields:
            fields["decision"] = os.environ.get("DECISION", "approve")
            if os.environ.get("PERSON"):
                fields["other"] = os.environ["PERSON"]
        body = urllib.parse.urlencode(fields).encode()
        page = browser.open(urllib.parse.urljoin(place, form.action), body)
    with open(os.environ["LAST_PAGE"], "w") as file:
        file.write(text)


main()
