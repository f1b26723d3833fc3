import MMCore
import Testing

@Suite("Texts inside HTML pages")
struct HTMLTextTests {
    @Test(
        "characters of markup are escaped, even before combining marks",
        arguments: [
            ("", ""), ("Größe", "Größe"), ("a & b", "a &amp; b"), ("<b>\"'", "&lt;b&gt;&quot;&#39;"),
            ("<\u{301}script>", "&lt;\u{301}script&gt;"), ("\r\n&amp;", "\r\n&amp;amp;"),
        ])
    func escaped(text: String, html: String) { #expect(HTMLText.escaped(text).utf8.elementsEqual(html.utf8)) }
}
