import Glibc
import MMCore
import Testing

@testable import MMServing

@Suite("Reading the pool's log", .timeLimit(.minutes(5)))
struct PoolLogTests {
    private func texts(_ lines: [[UInt8]]) -> [String] { lines.map { String(decoding: $0, as: UTF8.self) } }

    @Test("the last lines include those in rotated files, oldest first")
    func last() throws {
        let home = try ServingHome()
        try home.write("pool.log.2", "1\n2\n")
        try home.write("pool.log.1", "3\n4\n")
        try home.write("pool.log", "5\n")
        let reader = PoolLogReader(path: home["pool.log"], isJSON: false)
        #expect(texts(try reader.last(4)) == ["2", "3", "4", "5"])
        #expect(texts(try reader.last(1)) == ["5"])
        #expect(texts(try reader.last(100)) == ["1", "2", "3", "4", "5"])
        #expect(try reader.last(0).isEmpty)
        #expect(try PoolLogReader(path: home["none.log"], isJSON: false).last(10).isEmpty)
    }

    @Test("lines can be limited to a connection and to failures")
    func filters() throws {
        let home = try ServingHome()
        let log = Log(LogSettings(path: home["pool.log"]))
        log.scoped("Contoso", "exo").info("all is well")
        log.scoped("Contoso Labs", "exo").warning("not mine")
        log.scoped("Contoso", "exo").info("refused: AADSTS50076: multi-factor is due")
        log.error("nobody's [Contoso] fault")
        for (name, isJSON) in [("pool.log", false), ("pool.jsonl", true)] {
            let own = PoolLogReader(path: home[name], isJSON: isJSON, connection: "Contoso")
            #expect(try own.last(10).count == 2, "\(name)")
            let wrong = PoolLogReader(path: home[name], isJSON: isJSON, connection: "Contoso", errorsOnly: true)
            #expect(texts(try wrong.last(10)).count == 1)
            #expect(texts(try wrong.last(10))[0].contains("AADSTS50076"))
        }
        let plain = try PoolLogReader(path: home["pool.log"], isJSON: false).last(10)
        #expect(
            texts(plain)[2].contains("[WARNING] session_pool - [Contoso/exo] SIGN-IN FAILED (AADSTS50076): refused"))
    }

    @Test("following continues when the file is rotated, and waits for complete lines")
    func follow() throws {
        let home = try ServingHome()
        try home.write("pool.log", "old\n")
        var follower = PoolLogReader(path: home["pool.log"], isJSON: false).follower()
        #expect(follower.new().isEmpty)
        try ProtectedFile.append(Array("one\n".utf8), to: home["pool.log"])
        #expect(texts(follower.new()) == ["one"])
        try ProtectedFile.append(Array("two\n".utf8), to: home["pool.log"])
        #expect(rename(home["pool.log"], home["pool.log.1"]) == 0)
        #expect(texts(follower.new()) == ["two"])
        try home.write("pool.log", "thr")
        #expect(follower.new().isEmpty)
        let file = open(home["pool.log"], O_WRONLY | O_APPEND)
        #expect(write(file, "ee\nfour\n", 8) == 8)
        close(file)
        #expect(texts(follower.new()) == ["three", "four"])
    }

    @Test("a file is rotated at its limit, five are kept, and every line is in one of them")
    func rotation() throws {
        let home = try ServingHome()
        let log = Log(LogSettings(path: home["pool.log"], fileSize: 1000, backups: 5))
        for number in 0..<40 { log.info("line \(number) " + String(repeating: "x", count: 60)) }
        for number in 1...5 { #expect(try home.text("pool.log.\(number)") != nil || number > 4) }
        #expect(try home.text("pool.log.6") == nil)
        let lines = try PoolLogReader(path: home["pool.log"], isJSON: false).last(1000)
        #expect(texts(lines).last?.contains("line 39 ") == true)
        #expect(lines.count >= 40 - 10)
    }
}
