import PowerShellSyntax
import Testing

@testable import MMNative

@Suite("Values of the native engine as text for PowerShell", .timeLimit(.minutes(5)))
struct CarriedValues {
    private let engine = NativeEngine()

    private func session(_ script: String) async -> NativeSession {
        var session = NativeSession()
        guard case .completed = await engine.run(script, in: &session) else { return session }
        return session
    }

    @Test(
        "make the same value again",
        arguments: [
            "41", "-7", "9999999999", "1.5", "1e20", "1.10d", "$true", "$null", "'it''s'", "'“a” ‘‘b’’ ‚‚c‛‛'",
            "\"two`nlines\"",
            "'$(1+1) `n $x'", "@(1, 'two', $false)", "@()", "@(5)", "''",
        ])
    func plain(value: String) async throws {
        let first = await session("$x = \(value)")
        let text = try #require(first.assignment(of: "x"))
        #expect(PowerShellParser.parse(text).errors == [], "\(text)")
        let second = await session(text)
        let (before, after) = (try #require(first.variables["x"]), try #require(second.variables["x"]))
        #expect(before.typeName == after.typeName)
        #expect(before.json(depth: 3) == after.json(depth: 3))
    }

    @Test("are none for tables, objects and dates, nor under an odd name")
    func others() async {
        for value in ["@{ a = 1 }", "[pscustomobject]@{ a = 1 }", "@(@{ a = 1 })", "[datetime]'2026-01-02'"] {
            #expect(await session("$x = \(value)").assignment(of: "x") == nil, "\(value)")
        }
        #expect(await session("$x = 1").assignment(of: "y") == nil)
        #expect(await session("${a b} = 1").assignment(of: "a b") == nil)
    }
}
