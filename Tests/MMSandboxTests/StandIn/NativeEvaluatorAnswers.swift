import MMCore
import MMPowerShell
import PowerShellSyntax
import Testing

@testable import MMSandbox

@Suite("The native engine as the stand-in's evaluator", .timeLimit(.minutes(5)))
struct NativeEvaluatorAnswers {
    @Test("objects, errors and variables come back as records")
    func records() async {
        let records = Mutex<[PowerShellRecord]>([])
        let evaluator = NativeEvaluator()
        let first = await evaluate("$x = 1, 2, 3", evaluator) { record in
            records.withLock { $0.append(record) }
        }
        #expect(first == .ended(CommandEnd(.completed)))
        let second = await evaluate("$x | ? { $_ -gt 1 }; $null.Foo()", evaluator) { record in
            records.withLock { $0.append(record) }
        }
        #expect(second == .ended(CommandEnd(.completed)))
        let kept = records.withLock { $0 }
        #expect(kept.map(\.stream) == [.output, .output, .error])
        #expect(kept.first?.value == 2)
        #expect(kept.last?.value["id"]?.string == "InvokeMethodOnNull")
    }

    @Test("a script beyond the language emits nothing, and the reason is told")
    func beyond() async {
        let count = Mutex(0)
        let end = await evaluate("1; Get-Process", NativeEvaluator()) { _ in
            count.withLock { $0 += 1 }
        }
        guard case .beyond(let reason) = end else {
            Issue.record("it ran: \(end)")
            return
        }
        #expect(reason.contains("Get-Process"))
        #expect(count.withLock { $0 } == 0)
    }

    @Test(
        "arguments arrive as their kinds, not only texts",
        arguments: [
            ("param($from) $from..6", 4, [4, 5, 6]), ("param($x) $x + 1", 2, [3]), ("param($x) $x + 1", "2", ["21"]),
            ("param($x) -not $x", true, [false]),
            ("param($names) $names | ForEach-Object { $_.Length }", .json(["Anne", "O'Brien"]), [4, 7]),
        ] as [(String, PowerShellValue, [JSONValue])])
    func kinds(script: String, argument: PowerShellValue, values: [JSONValue]) async throws {
        let name = try #require(script.split(separator: "$").dropFirst().first?.prefix { $0 != ")" })
        let records = Mutex<[JSONValue]>([])
        let end = await evaluate(script, NativeEvaluator(), [String(name): argument]) { record in
            records.withLock { $0.append(record.value) }
        }
        #expect(end == .ended(CommandEnd(.completed)))
        #expect(records.withLock { $0 } == values)
    }

    /// Evaluates a script in which no module is signed in.
    private func evaluate(
        _ script: String, _ evaluator: NativeEvaluator, _ parameters: [String: PowerShellValue] = [:],
        emit: @escaping @Sendable (PowerShellRecord) -> Void
    ) async -> ScriptEvaluation {
        let cmdlets = StandInCmdlets(tenant: nil, accounts: [:])
        return await evaluator.evaluate(
            PowerShellParser.parse(script), PowerShellCommand(script, parameters: parameters), with: cmdlets, emit: emit
        )
    }
}
