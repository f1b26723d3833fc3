import Testing

@testable import MMShell

@Suite("A screen", .timeLimit(.minutes(10)))
struct ScreenTests {
    static func screen(_ text: String, rows: Int = 4, columns: Int = 10) -> Screen {
        var screen = Screen(rows: rows, columns: columns)
        screen.write(Array(text.utf8))
        return screen
    }

    @Test(
        "shows what a terminal would show",
        arguments: [
            ("hello", "hello"), ("a\r\nb", "a\nb"), ("abc\rX", "Xbc"), ("0123456789AB", "0123456789\nAB"),
            ("1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5"), ("abc\u{8}\u{8}X", "aXc"), ("\u{1B}[2;3Hx", "\n  x"),
            ("abcdef\u{1B}[3D\u{1B}[K", "abc"),
            ("abc\u{1B}[2Jx", "   x"), ("a\tb", "a       b"), ("abcd\u{1B}[1;2H\u{1B}[2P", "ad"),
            ("abcd\u{1B}[1;2H\u{1B}[2@", "a  bcd"),
            ("1\r\n2\r\n3\u{1B}[1;1H\u{1B}[L", "\n1\n2\n3"), ("1\r\n2\r\n3\u{1B}[1;1H\u{1B}[M", "2\n3"),
            ("\u{1B}[2;3r\u{1B}[3;1Ha\r\nb\r\nc", "\nb\nc"), ("\u{1B}]0;title\u{7}x", "x"),
            ("\u{1B}]0;t\u{1B}\\x", "x"),
            ("\u{1B}[1;31mred\u{1B}[0m", "red"), ("\u{1B}(Bx\u{1B}[?25lx", "xx"), ("漢字", "漢字"), ("漢\u{8}x", " x"),
            ("e\u{301}x", "e\u{301}x"),
            ("main\u{1B}[?1049hother\u{1B}[?1049l", "main"), ("a\u{1B}7\u{1B}[3;3Hb\u{1B}8c", "ac\n\n  b"),
            ("\u{1B}[1;3Ha\u{1B}[1K", ""),
            ("\u{1B}Mx", "x"), ("abc\u{1B}[1;1H\u{1B}[2Xy", "y c"), ("x\u{1B}[99999999999;1Hy", "x\n\n\ny"),
            ("\u{1B}[" + String(repeating: "1;", count: 1000) + "4mx", "x"), ("\u{1B}[2;99999999999rx", "x"),
        ])
    func shows(text: String, expected: String) {
        #expect(Self.screen(text).text == expected)
    }

    @Test("keeps the second screen separate, and the cursor in place")
    func alternate() {
        let screen = Self.screen("a\u{1B}[?1049hfull")
        #expect(screen.isAlternate)
        #expect(screen.text == " full")
        #expect(screen.cursor == Screen.Place(row: 0, column: 5))
    }

    @Test("saved positions stay on a screen that shrinks", arguments: [(1, 1), (2, 3), (4, 2)])
    func smaller(rows: Int, columns: Int) {
        var screen = Self.screen("\u{1B}[3;4r\u{1B}[4;9H\u{1B}7\u{1B}[?1049h\u{1B}[4;9Hx")
        screen.resize(rows: rows, columns: columns)
        screen.write(Array("\u{1B}8漢\n\u{1B}[L\u{1B}[M\u{1B}[?1049l漢\n".utf8))
        #expect(screen.cells.count == rows && screen.cells.allSatisfy { $0.count == columns })
        #expect(screen.cursor.row < rows && screen.cursor.column < columns)
    }

    @Test("survives any bytes, in pieces of any size, and any size of the screen", arguments: 0..<30)
    func fuzz(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let final = Array("ABCDEFGHJKLMPSTX@dfrsuhl`7 8c".utf8)
        let modes = [1, 6, 7, 25, 47, 1047, 1049, 2004]
        var bytes: [UInt8] = []
        for _ in 0..<3_000 {
            switch next(6) {
            case 0: bytes += Array("\u{1B}[?\(modes[next(modes.count)])\(next(2) == 0 ? "h" : "l")".utf8)
            case 1: bytes += [0x1B, 0x5B] + Array("\(next(14));\(next(14))".utf8) + [final[next(final.count)]]
            case 2: bytes.append(UInt8(next(32)))
            case 3: bytes += Array("漢é".utf8).prefix(next(6))
            case 4: bytes += [0x1B, UInt8(0x20 + next(0x5F))]
            default: bytes.append(UInt8(next(256)))
            }
        }
        var whole = Screen(rows: 1 + next(8), columns: 1 + next(12))
        var pieces = whole
        for stretch in stride(from: 0, to: bytes.count, by: 500).map({ bytes[$0...].prefix(500) }) {
            whole.write(Array(stretch))
            var rest = stretch
            while !rest.isEmpty {
                let count = 1 + next(50)
                pieces.write(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(whole.lines == pieces.lines)
            #expect(whole.cursor == pieces.cursor)
            #expect(whole.cells.count == whole.rows && whole.cells.allSatisfy { $0.count == whole.columns })
            let (rows, columns) = (1 + next(8), 1 + next(12))
            whole.resize(rows: rows, columns: columns)
            pieces.resize(rows: rows, columns: columns)
        }
    }

    @Test(
        "prompts are recognised by their name in every mode",
        arguments: [
            (
                "sw1>", ["sw1#", "sw1(config)#", "sw1(config-if)#"],
                ["sw10#", "sw1# show", "the sw1#", "sw1", "line 3"]
            ),
            (
                "admin@r1> ", ["admin@r1# ", "admin@r1>"],
                ["admin@r2>", "[edit]", "admin@r1> show interfaces | match \"x\""]
            ),
            ("<core>", ["[core]", "[core-GigabitEthernet0/0/1]", "<core>"], ["<cores>", "core", "[other]"]),
            ("[admin@gw] > ", ["[admin@gw] /interface> ", "[admin@gw] >"], ["[admin@other] >"]),
            ("C:\\Users\\me>", ["C:\\>", "D:\\Program Files (x86)>"], ["PS C:\\>", "C:\\> dir", "C:\\a|b>"]),
            ("PS C:\\Users\\me> ", ["PS C:\\>", "PS D:\\a>"], ["PS C:\\> Get-Date", "PSA>"]),
            ("root@host:~# ", ["root@host:/etc# "], ["root@host says hello!"]),
        ])
    func prompts(line: String, same: [String], others: [String]) throws {
        let prompt = try #require(NetworkDevicePrompt(line: line))
        #expect(prompt.matches(line))
        for line in same { #expect(prompt.matches(line), "\(line)") }
        for line in others { #expect(!prompt.matches(line), "\(line)") }
    }
}
