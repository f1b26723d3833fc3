import Testing

@testable import MMPowerShell

@Suite("The last output of a process", .timeLimit(.minutes(5)))
struct LastWordsTests {
    private func words(_ texts: String...) -> String? {
        var words = LastWords()
        for text in texts { words.add(Array(text.utf8)) }
        return words.text
    }

    @Test("has its last lines, without colours and stack frames")
    func lines() {
        #expect(words() == nil)
        #expect(words(" \n\r\n") == nil)
        #expect(words("Out of ", "memory.\n") == "Out of memory.")
        #expect(
            words("\u{1B}[31mProcess terminated.\u{1B}[0m bare\r\n   at System.Environment.FailFast()\n   at Main()\n")
                == "Process terminated. bare")
        #expect(words("a\n\nb\n") == "a / b")
    }

    @Test("begins with the reason of a crash, however many stack frames follow it", arguments: [1, 200_000])
    func frames(piece: Int) throws {
        let frame = "   at System.Management.Automation.Interpreter.Run(System.Management.Automation.Frame)\n"
        let text = "\u{1B}[31mStack overflow.\u{1B}[0m\n" + String(repeating: frame, count: 500) + "   at Main("
        var words = LastWords()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            words.add(bytes[start..<min(start + piece, bytes.count)])
        }
        #expect(words.text == "Stack overflow.")
    }

    @Test("is short, however much was written")
    func short() throws {
        let text = try #require(words(String(repeating: "x", count: 100_000), "\nthe end\n"))
        #expect(text.count <= 601 && text.hasSuffix("the end"))
    }

    @Test("contains no secret")
    func secret() throws {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
        #expect(try #require(words("Bearer \(token)\n")).contains(token) == false)
    }
}
