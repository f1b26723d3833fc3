import MMCore
import Testing

@testable import MMServing

@Suite("Where the statements of a TOML file stand", .timeLimit(.minutes(5)))
struct TOMLOutlineTests {
    @Test("hostile files never end the process, and what is read stands in the file in order")
    func fuzz() {
        let pieces = [
            "[", "]", "\"", "'", "\"\"\"", "'''", "a", ".", "=", "\n", "#", "{", "}", ",", "\\", "u0041", " ", "[[",
            "]]",
            "a = 1\n",
        ]
        var seed: UInt64 = 42
        var readable = 0
        for _ in 0..<4000 {
            var text = ""
            for _ in 0..<16 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(seed >> 33) % pieces.count]
            }
            let bytes = Array(text.utf8)
            guard let outline = try? TOMLOutline(bytes, path: "f") else { continue }
            readable += 1
            var end = 0
            for statement in outline.statements {
                #expect(statement.range.lowerBound >= end && statement.range.upperBound <= bytes.count)
                end = statement.range.upperBound
                _ = outline.text(statement.value)
                _ = outline.texts(statement.value)
            }
        }
        #expect(readable > 0)
    }

    @Test(
        "texts of every kind",
        arguments: [
            ("\"a\\tb\\u00e9\"", "a\tbé"), ("'a\\tb'", "a\\tb"), ("\"\"\"\na\"b\\\n   c\"\"\"", "a\"bc"),
            ("'''\n'x''''", "'x'"), ("\"\"", ""),
        ])
    func texts(written: String, text: String) throws {
        let outline = try TOMLOutline(Array("k = \(written) # end\n".utf8), path: "f")
        #expect(outline.text(outline.statements[0].value) == text)
    }

    @Test("a text that is written is read back", arguments: ["", "a\"b\\c", "\u{1}\n\u{7F}", "é 中 🎉"])
    func quoting(text: String) throws {
        let outline = try TOMLOutline(Array("k = \(TOMLOutline.quoted(text))".utf8), path: "f")
        #expect(outline.text(outline.statements[0].value) == text)
    }
}
