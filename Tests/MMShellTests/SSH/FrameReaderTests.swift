import Testing

@testable import MMShell

@Suite("Reports in a stream", .timeLimit(.minutes(10)))
struct FrameReaderTests {
    @Test("are found however the bytes are divided", arguments: 1...60)
    func cut(size: Int) {
        var reader = FrameReader()
        reader.begin("0123456789abcdef")
        let all = Array("out012345678 9abc\n0123456789abcdef 3 x/tmp/a\nb\u{0}declare -x A=1\u{0}late".utf8)
        var output: [UInt8] = []
        var report: FrameReader.Report?
        var exports: [UInt8]?
        for start in stride(from: 0, to: all.count, by: size) {
            let taken = reader.take(Array(all[start..<min(start + size, all.count)]))
            output += taken.output
            report = taken.report ?? report
            exports = taken.exports ?? exports
        }
        #expect(String(decoding: output, as: UTF8.self) == "out012345678 9abc\nlate")
        #expect(report == FrameReader.Report(status: 3, rest: Array("x/tmp/a\nb".utf8)))
        #expect(exports == Array("declare -x A=1".utf8))
    }

    @Test("a command's end is reported only when the variables that it left have arrived")
    func variables() {
        var reader = FrameReader()
        reader.begin("0123456789abcdef")
        let early = reader.take(Array("0123456789abcdef 0 x/tmp\u{0}declare -x A=".utf8))
        #expect(early.report == nil)
        let late = reader.take(Array("1\u{0}".utf8))
        #expect(late.report?.status == 0)
        #expect(late.exports == Array("declare -x A=1".utf8))
    }

    @Test("late reports of an earlier command aren't output", arguments: 1...40)
    func stale(size: Int) {
        var reader = FrameReader()
        reader.begin("0123456789abcdef")
        #expect(reader.take(Array("0123456789abcdef 130 -/\u{0}".utf8)).report?.status == 130)
        reader.begin("fedcba9876543210")
        let all = Array("0123456789abcdef 130 -/\u{0}text\nfedcba9876543210 0 -/\u{0}".utf8)
        var output: [UInt8] = []
        var report: FrameReader.Report?
        for start in stride(from: 0, to: all.count, by: size) {
            let taken = reader.take(Array(all[start..<min(start + size, all.count)]))
            output += taken.output
            report = taken.report ?? report
        }
        #expect(String(decoding: output, as: UTF8.self) == "text\n")
        #expect(report?.status == 0)
    }

    @Test("nor while no command runs, including their contents", arguments: 1...40)
    func staleWhileIdle(size: Int) {
        var reader = FrameReader(promptMark: "mm-prompt-1 ")
        reader.begin("0123456789abcdef")
        #expect(reader.take(Array("0123456789abcdef 130 -/\u{0}".utf8)).report?.status == 130)
        let all = Array("bg\n0123456789abcdef 130 x/\u{0}declare -x A=1\u{0}mm-prompt-1 3\u{0}more\n".utf8)
        var output: [UInt8] = []
        for start in stride(from: 0, to: all.count, by: size) {
            let taken = reader.take(Array(all[start..<min(start + size, all.count)]))
            output += taken.output
            #expect(taken.report == nil)
            #expect(taken.exports == nil)
        }
        #expect(String(decoding: output, as: UTF8.self) == "bg\nmore\n")
    }

    @Test("are requested if the prompt appears without one")
    func prompt() {
        var reader = FrameReader(promptMark: "mm-prompt-1 ")
        reader.begin("0123456789abcdef")
        let taken = reader.take(Array("out\nmm-prompt-1 130\u{0}".utf8))
        #expect(taken.prompted == 130)
        #expect(taken.report == nil)
        #expect(taken.output == Array("out\n".utf8))
    }
}
