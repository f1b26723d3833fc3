import Testing

@testable import MMShell

@Suite("A screen drawn on another terminal", .timeLimit(.minutes(5)))
struct ScreenRedrawTests {
    /// Texts that use everything that a screen stores.
    static let texts = [
        "plain", "a\r\nb\r\n\u{1B}[31mred\u{1B}[0m \u{1B}[1;4;48;5;200mmarked", "\u{1B}[38;2;1;2;3;103mmixed",
        "main\u{1B}[?1049h\u{1B}[7mother\u{1B}[?25l", "\u{1B}[2;3r\u{1B}[3;2Hx", "漢字e\u{301}", "\u{1B}[44m\u{1B}[K",
        "\u{1B}[?1h\u{1B}=\u{1B}[?2004h\u{1B}[?1006;1000hkeys", "\u{1B}[95mx\u{1B}[39;22my",
    ]

    @Test("shows and behaves the same", arguments: texts)
    func same(text: String) {
        let screen = ScreenTests.screen(text)
        var other = ScreenTests.screen("something else\r\n\u{1B}[31m")
        other.write(screen.redrawing)
        #expect(other.cells == screen.cells)
        #expect(other.cursor == screen.cursor)
        #expect(other.region == screen.region)
        #expect(other.modes == screen.modes)
        #expect(other.isAlternate == screen.isAlternate)
        #expect(other.style == screen.style)
        #expect(other.saved?.cells == screen.saved?.cells)
    }

    @Test(
        "is left on a new line, with nothing below it",
        arguments: [
            ("$ vim\u{1B}[?1049h\u{1B}[2;3rfull\r\nscreen", "$ vim", 1),
            ("\u{1B}[2;3r\u{1B}[2;1H$ ls -l", "\n$ ls -l", 2), ("a\r\nb\r\n\u{1B}[1;1H", "", 0),
        ])
    func place(text: String, left: String, row: Int) {
        var screen = ScreenTests.screen(text)
        screen.write(screen.leaving)
        #expect(screen.text == left)
        #expect(screen.cursor.row == row && screen.cursor.column == 0)
    }

    @Test("restores the terminal", arguments: texts)
    func leaving(text: String) {
        var screen = ScreenTests.screen(text)
        screen.write(screen.leaving)
        #expect(screen.modes == ScreenModes())
        #expect(!screen.isAlternate)
        #expect(screen.style == ScreenStyle())
        #expect(screen.region == 0...3)
    }

    @Test("keeps the lines above the cursor when it shrinks, and its text when it grows")
    func resize() {
        var screen = ScreenTests.screen("1\r\n2\r\n3\r\n4444444444")
        screen.resize(rows: 2, columns: 4)
        #expect(screen.text == "3\n4444")
        #expect(screen.cursor == Screen.Place(row: 1, column: 3))
        screen.resize(rows: 5, columns: 8)
        #expect(screen.text == "3\n4444")
        screen.write(Array("\r\n\r\n\r\nend".utf8))
        #expect(screen.text == "3\n4444\n\n\nend")
    }
}
