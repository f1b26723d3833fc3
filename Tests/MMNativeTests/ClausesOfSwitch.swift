import MMCore
import Testing

@testable import MMNative

@Suite("What switch and foreach go through", .timeLimit(.minutes(5)))
struct ClausesOfSwitch {
    private func run(_ script: String, _ engine: NativeEngine) async throws -> [String] {
        var session = NativeSession()
        guard case .completed(let result) = await engine.run(script, in: &session) else {
            throw MMError(.internalError, "\(script) did not run")
        }
        #expect(result.errors.isEmpty && result.failure == nil, "\(script): \(result.errors)")
        return result.objects.map(\.text)
    }

    @Test(
        "a clause of switch is compared as text",
        arguments: [
            ("switch ('False') { $true { 'on' } $false { 'off' } }", ["off"]),
            ("switch ('x') { $true { 'on' } default { 'd' } }", ["d"]),
            ("switch ('') { 0 { 'z' } default { 'd' } }", ["d"]),
            ("switch ('1.0') { 1 { 'one' } default { 'd' } }", ["d"]),
            ("switch ('01') { 1 { 'one' } default { 'd' } }", ["d"]),
            ("switch ('1kb') { 1024 { 'k' } default { 'd' } }", ["d"]),
            ("switch (1.0) { '1' { 'one' } default { 'd' } }", ["one"]),
            ("switch ([DayOfWeek]::Monday) { 1 { 'one' } 'monday' { 'Mo' } default { 'd' } }", ["Mo"]),
            ("switch ($null) { '' { 'e' } default { 'd' } }", ["e"]),
            ("switch ($null) { $null { 'n' } default { 'd' } }", ["n"]),
            ("switch ('') { $null { 'n' } default { 'd' } }", ["d"]),
            ("switch ($true) { 1 { 'one' } 'true' { 't' } }", ["t"]),
            ("switch (0) { $false { 'off' } default { 'd' } }", ["d"]),
            ("switch ('ABC') { 'abc' { 'a' } default { 'd' } }", ["a"]),
            ("switch -CaseSensitive ('ABC') { 'abc' { 'a' } default { 'd' } }", ["d"]),
            ("switch -Wildcard (123) { '1*' { 'w' } default { 'd' } }", ["w"]),
            ("switch -Regex ([DayOfWeek]::Monday) { '^Mon' { 'r' } default { 'd' } }", ["r"]),
            ("switch (@(1, 2), 3) { '1 2' { 'list' } 3 { 'three' } }", ["list", "three"]),
        ])
    func clauses(script: String, texts: [String]) async throws {
        #expect(try await run(script, NativeEngine()) == texts)
        #expect(try await run(script, NativeEngine(host: NativeHost())) == texts)
    }

    @Test(
        "foreach leaves out the value that is nothing, not an element",
        arguments: [
            ("foreach ($x in @($null)) { 'hit' }", ["hit"]), ("$a = @($null); foreach ($x in $a) { 'hit' }", ["hit"]),
            ("foreach ($x in $null) { 'hit' }; 'end'", ["end"]), ("foreach ($x in @()) { 'hit' }; 'end'", ["end"]),
            ("function f { $null }; foreach ($x in f) { 'hit' }", ["hit"]),
            ("function f { $null }; foreach ($x in (f)) { 'hit' }; 'end'", ["end"]),
            ("function f { }; foreach ($x in f) { 'hit' }; 'end'", ["end"]),
        ])
    func rounds(script: String, texts: [String]) async throws {
        #expect(try await run(script, NativeEngine()) == texts)
        #expect(try await run(script, NativeEngine(host: NativeHost())) == texts)
    }
}
