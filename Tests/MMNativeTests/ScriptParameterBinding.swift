import MMCore
import Testing

@testable import MMNative

@Suite("Values for a script's param block", .timeLimit(.minutes(5)))
struct ScriptParameterBinding {
    private static let bound: [(script: String, values: [String: String], texts: [String])] = [
        ("param($n) $n", ["n": "$(Get-Date); x"], ["$(Get-Date); x"]),
        ("param($N) $n + 1", ["n": "5"], ["51"]),
        ("param([int]$n) $n + 1", ["N": "5"], ["6"]),
        ("param([string]$s, $u) \"[$s][$u]\"", [:], ["[][]"]),
        ("param([int]$n, [bool]$b) $n; $b", [:], ["0", "False"]),
        ("param($a = 1, $b = $a + 1) $b", [:], ["2"]),
        ("param($a = 1, $b = $a + 1) $b", ["a": "x"], ["x1"]),
        ("param([datetime]$d = '2026-01-02') $d.Day", [:], ["2"]),
        (
            "[CmdletBinding()] param([Parameter(Mandatory, Position = 0)][string]$who) $who.ToUpper()", ["who": "ann"],
            ["ANN"]
        ),
        ("param() 1", [:], ["1"]),
        ("param([switch]$s, [string[]]$l) \"$s $($l.Count)\"", ["s": "true"], ["True 0"]),
        ("param([ValidateSet('a', 'b')]$x) $x", ["x": "b"], ["b"]),
        ("param([ValidateSet(5, $True)]$x) $x", ["x": "true"], ["true"]),
    ]

    @Test("are bound as PowerShell binds texts, defaults in order", arguments: bound)
    func values(script: String, values: [String: String], texts: [String]) async throws {
        var session = NativeSession()
        guard case .completed(let result) = await NativeEngine().run(script, values: values, in: &session) else {
            Issue.record("handed over")
            return
        }
        #expect(try result.objects.map { (value) throws in try PSText.string(value) } == texts)
        #expect(result.errors.isEmpty && result.failure == nil)
    }

    @Test(
        "that the declared type refuses end the script, by name, before anything runs",
        arguments: [
            ("param([int]$Days) $Days", "abc", "'Days'. Cannot convert value \"abc\" to type \"System.Int32\"."),
            (
                "param([datetime]$Since) 'x'", "soon",
                "'Since'. Cannot convert value \"soon\" to type \"System.DateTime\"."
            ),
        ])
    func refused(script: String, value: String, said: String) async throws {
        var session = NativeSession()
        let name = try #require(script.split(separator: "$").dropFirst().first?.split(separator: ")").first)
        let outcome = await NativeEngine().run(script, values: [String(name): value], in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("handed over")
            return
        }
        let failure = try #require(result.failure)
        #expect(failure.message.hasPrefix("Cannot process argument transformation on parameter \(said)"), "\(failure)")
        #expect(result.objects.isEmpty)
    }

    private static let uncertain: [(script: String, values: [String: String])] = [
        ("param([bool]$b) $b", ["b": "true"]),
        ("param([Parameter(Mandatory)]$x = 3) $x", [:]),
        ("param([Parameter(Mandatory)][string]$x) $x", ["x": ""]),
        ("param($name) $name", ["na": "x"]), ("1", ["x": "1"]), ("param([int]$n) $n = 'x'; $n", ["n": "1"]),
        ("param($x = 1/0) $x", [:]), ("param($args) 1", [:]),
        ("param($x = $env:PATH) 1", [:]), ("param($x = (Get-Process)) 1", [:]),
        ("1 | ForEach-Object { param($x) 1 }", [:]),
    ]

    @Test("are PowerShell's affair where it is not certain what they become", arguments: uncertain)
    func handedOver(script: String, values: [String: String]) async {
        var session = NativeSession()
        guard case .handedOver(_, let hasSent) = await NativeEngine().run(script, values: values, in: &session) else {
            Issue.record("it ran")
            return
        }
        #expect(!hasSent)
    }
}
