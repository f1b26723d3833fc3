import MMCore
import TestSupport
import Testing

@testable import MMNative

/// Programs of a tiny language, made at random: what they send, read straight, is what the engine sends.
@Suite("Control flow with writes in it", .timeLimit(.minutes(5)))
struct ControlFlow {
    @Test("what is sent is what a straight reading of the script sends", arguments: 0..<8)
    func straight(seed: UInt64) async throws {
        var random = SeededRandom(seed: seed + 1)
        var native = 0
        for _ in 0..<150 {
            var maker = ProgramMaker()
            let program = maker.program(using: &random)
            let script = "$a = 2; $b = 0; $c = 3; $q = 'none'\n" + program.map(\.text).joined(separator: "\n")
            var reading = StraightReading()
            reading.run(program)
            let source = RecordingSource()
            var session = NativeSession()
            switch await NativeEngine(sources: [source]).run(script, in: &session) {
            case .handedOver(let reason, let hasSent):
                #expect(!hasSent && source.sent.isEmpty, "\(reason), after it had sent:\n\(script)")
            case .stopped: Issue.record("stopped:\n\(script)")
            case .completed(let result):
                native += 1
                #expect(source.sent == reading.sent, "\(script)")
                let texts = result.objects.map { (try? PSText.string($0)) ?? "?" }
                #expect(texts == reading.output.last, "\(script)")
                #expect(result.errors.count == reading.errors, "\(script)")
                #expect((result.failure != nil) == reading.hasFailed, "\(script)")
            }
        }
        #expect(native > 40)
    }
}

/// Notes the numbers that `Set-Thing` is called with; `Get-Thing` notes its number, too, and gives it back.
private final class RecordingSource: CmdletSource {
    private let numbers = Mutex<[Int]>([])

    var sent: [Int] { numbers.withLock { $0 } }

    func knows(_ name: String) -> Bool { ["get-thing", "set-thing"].contains(name.lowercased()) }

    func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? {
        guard case .value(.int(let number), _)? = call.arguments.first else { return CmdletBatch([]) }
        numbers.withLock { $0.append(Int(number)) }
        return CmdletBatch(call.name == "Get-Thing" ? [.int(number)] : [])
    }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows { throw .handedOver(call.name) }
}

private indirect enum Condition {
    case less(String, Int), step(String), assigned(String, Int), got(Int), not(Condition)

    var text: String {
        switch self {
        case .less(let name, let limit): "$\(name) -lt \(limit)"
        case .step(let name): "$\(name)--"
        case .assigned(let name, let value): "$\(name) = \(value)"
        case .got(let number): "Get-Thing \(number)"
        case .not(let inner): "-not (\(inner.text))"
        }
    }
}

private indirect enum Statement {
    case set(Int), emit(Int), step(String, isUp: Bool), assign(String, Int), coalesce(Int), forget
    case choice(Condition, [Statement], [Statement])
    /// A loop that its guard ends after a few rounds, whatever its condition says.
    case loop(guard: Int, Condition, [Statement], isDo: Bool)
    case each([Int], [Statement], isPipeline: Bool)
    case select(String, Int, [Statement], [Statement])
    case attempt([Statement], [Statement]?, [Statement]?)
    case fail, throwText, leaveLoop(isBreak: Bool), leave(Int?)
    case capture(Statement), list([Statement]), inText([Statement]), show

    /// Ways to write a number, as scripts compute what they send.
    private static let forms: [@Sendable (Int) -> String] = [
        { "\($0)" }, { "([Convert]::ToInt32('\($0)'))" }, { "([Text.Encoding]::UTF8.GetBytes('x' * \($0)).Count)" },
        { number in
            let coded = Base64.text(Array("\(number)".utf8))
            return "([int][Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('\(coded)')))"
        },
    ]

    private static func block(_ statements: [Statement]) -> String {
        "{ " + statements.map(\.text).joined(separator: "; ") + " }"
    }

    var text: String {
        switch self {
        case .set(let number): return "Set-Thing \(Self.forms[number % Self.forms.count](number))"
        case .emit(let number): return "'m\(number)'"
        case .step(let name, let isUp): return "$\(name)" + (isUp ? "++" : "--")
        case .assign(let name, let value): return "$\(name) = \(value)"
        case .coalesce(let number): return "$q ??= Get-Thing \(number)"
        case .forget: return "$q = $null"
        case .choice(let condition, let one, let other):
            return "if (\(condition.text)) \(Self.block(one))" + (other.isEmpty ? "" : " else \(Self.block(other))")
        case .loop(let guardian, let condition, let body, let isDo):
            let test = "((++$g\(guardian)) -le 3) -and (\(condition.text))"
            return "$g\(guardian) = 0; "
                + (isDo ? "do \(Self.block(body)) while (\(test))" : "while (\(test)) \(Self.block(body))")
        case .each(let items, let body, let isPipeline):
            let list = items.map(String.init).joined(separator: ", ")
            return isPipeline
                ? "\(list) | ForEach-Object \(Self.block(body))" : "foreach ($i in \(list)) \(Self.block(body))"
        case .select(let name, let value, let body, let other):
            return "switch ($\(name)) { \(value) \(Self.block(body)) default \(Self.block(other)) }"
        case .attempt(let body, let handler, let last):
            let caught = handler.map { " catch\($0.count == 1 ? " [Exception]" : "") \(Self.block($0))" }
            return "try \(Self.block(body))" + (caught ?? "")
                + (last.map { " finally \(Self.block($0))" } ?? "")
        case .fail: return "1/0"
        case .throwText: return "throw 't'"
        case .leaveLoop(let isBreak): return isBreak ? "break" : "continue"
        case .leave(let number): return number.map { "return 'r\($0)'" } ?? "return"
        case .capture(let inner): return "$q = \(inner.text)"
        case .list(let body): return "$q = @(\(body.map(\.text).joined(separator: "; ")))"
        case .inText(let body): return "\"[$(\(body.map(\.text).joined(separator: "; ")))]\""
        case .show: return "\"q=$q\""
        }
    }
}

private struct ProgramMaker {
    private var number = 0

    private mutating func next() -> Int {
        number += 1
        return number
    }

    mutating func program(using random: inout SeededRandom) -> [Statement] {
        body(3, using: &random, most: 6) + [.show, .set(next())]
    }

    private mutating func body(_ depth: Int, using random: inout SeededRandom, most: Int = 3) -> [Statement] {
        (0..<Int.random(in: 1...most, using: &random)).map { _ in statement(depth, using: &random) }
    }

    private func name(using random: inout SeededRandom) -> String {
        ["a", "b", "c"].randomElement(using: &random) ?? "a"
    }

    private mutating func condition(using random: inout SeededRandom) -> Condition {
        switch Int.random(in: 0..<6, using: &random) {
        case 0, 1: .less(name(using: &random), Int.random(in: 0...3, using: &random))
        case 2, 3: .step(name(using: &random))
        case 4: .assigned(name(using: &random), Int.random(in: 0...2, using: &random))
        default: .got(next())
        }
    }

    private mutating func choice(_ depth: Int, using random: inout SeededRandom) -> Statement {
        .choice(
            condition(using: &random), body(depth - 1, using: &random),
            Bool.random(using: &random) ? body(depth - 1, using: &random) : [])
    }

    private mutating func statement(_ depth: Int, using random: inout SeededRandom) -> Statement {
        guard depth > 0 else { return leaf(using: &random) }
        switch Int.random(in: 0..<14, using: &random) {
        case 0, 1: return choice(depth, using: &random)
        case 2, 3:
            return .loop(
                guard: next(), condition(using: &random), body(depth - 1, using: &random),
                isDo: Bool.random(using: &random))
        case 4, 5:
            return .each([1, 2], body(depth - 1, using: &random), isPipeline: Bool.random(using: &random))
        case 6:
            return .select(
                name(using: &random), Int.random(in: 0...2, using: &random), body(depth - 1, using: &random),
                body(depth - 1, using: &random))
        case 7, 8, 9:
            let handler = Int.random(in: 0..<4, using: &random) > 0 ? body(depth - 1, using: &random) : nil
            let last = handler == nil || Bool.random(using: &random) ? body(depth - 1, using: &random) : nil
            return .attempt(body(depth - 1, using: &random), handler, last)
        case 10:
            let inner: Statement =
                Bool.random(using: &random)
                ? choice(depth, using: &random) : .each([1, 2], body(depth - 1, using: &random), isPipeline: false)
            return .capture(inner)
        case 11: return .list(body(depth - 1, using: &random))
        case 12: return .inText(body(depth - 1, using: &random))
        default: return leaf(using: &random)
        }
    }

    private mutating func leaf(using random: inout SeededRandom) -> Statement {
        switch Int.random(in: 0..<22, using: &random) {
        case 0...5: return .set(next())
        case 6...8: return .emit(next())
        case 9, 10: return .step(name(using: &random), isUp: Bool.random(using: &random))
        case 11, 12: return .assign(name(using: &random), Int.random(in: 0...3, using: &random))
        case 13, 14: return .coalesce(next())
        case 15: return .forget
        case 16, 17: return .fail
        case 18: return .throwText
        case 19: return .leaveLoop(isBreak: Bool.random(using: &random))
        case 20: return .leave(Bool.random(using: &random) ? next() : nil)
        default: return .show
        }
    }
}

/// Reads a program from top to bottom, as the language's documentation says what each statement does.
private struct StraightReading {
    private enum Jump: Error {
        case breakLoop, continueLoop, leave
        /// An error that ends its own statement, or what encloses it in `try`.
        case error
        case thrown
    }

    private(set) var sent: [Int] = []
    private(set) var errors = 0
    private(set) var hasFailed = false
    /// What was put out, for each statement that collects output: the script's own first.
    private(set) var output: [[String]] = [[]]
    private var numbers = ["a": 2, "b": 0, "c": 3]
    private var q: [String]? = ["none"]
    private var tries = 0

    mutating func run(_ program: [Statement]) {
        do { try all(program) } catch { hasFailed = error == .thrown }
    }

    private mutating func put(_ text: String) { output[output.count - 1].append(text) }

    private mutating func all(_ statements: [Statement]) throws(Jump) {
        for statement in statements {
            do { try one(statement) } catch {
                guard error == .error, tries == 0 else { throw error }
                errors += 1
            }
        }
    }

    private mutating func holds(_ condition: Condition) -> Bool {
        switch condition {
        case .less(let name, let limit): return numbers[name, default: 0] < limit
        case .step(let name):
            numbers[name, default: 0] -= 1
            return numbers[name] != -1
        case .assigned(let name, let value):
            numbers[name] = value
            return value != 0
        case .got(let number):
            sent.append(number)
            return number != 0
        case .not(let inner): return !holds(inner)
        }
    }

    /// Runs a loop's body; returns whether the loop goes on.
    private mutating func round(_ body: [Statement]) throws(Jump) -> Bool {
        do { try all(body) } catch {
            switch error {
            case .breakLoop: return false
            case .continueLoop: return true
            default: throw error
            }
        }
        return true
    }

    /// Returns what statements put out. A jump out of them hands it on; an error loses it.
    private mutating func collected(_ statements: [Statement], handsOn: Bool) throws(Jump) -> [String] {
        output.append([])
        do { try all(statements) } catch {
            let own = output.removeLast()
            if handsOn, error != .error, error != .thrown { output[output.count - 1] += own }
            throw error
        }
        return output.removeLast()
    }

    private mutating func one(_ statement: Statement) throws(Jump) {
        switch statement {
        case .set(let number): sent.append(number)
        case .emit(let number): put("m\(number)")
        case .step(let name, let isUp): numbers[name, default: 0] += isUp ? 1 : -1
        case .assign(let name, let value): numbers[name] = value
        case .coalesce(let number):
            guard q == nil else { return }
            sent.append(number)
            q = ["\(number)"]
        case .forget: q = nil
        case .choice(let condition, let body, let other): try all(holds(condition) ? body : other)
        case .loop(_, let condition, let body, let isDo):
            var checks = 0
            if !isDo {
                checks = 1
                guard holds(condition) else { return }
            }
            while try round(body) {
                checks += 1
                guard checks <= 3, holds(condition) else { return }
            }
        case .each(let items, let body, false):
            for _ in items { guard try round(body) else { return } }
        case .each(let items, let body, true):
            for _ in items {
                do { try all(body) } catch { guard error == .leave else { throw error } }
            }
        case .select(let name, let value, let body, let other):
            _ = try round(numbers[name] == value ? body : other)
        case .attempt(let body, let handler, let last): try attempt(body, handler, last)
        case .fail: throw .error
        case .throwText: throw .thrown
        case .leaveLoop(let isBreak): throw isBreak ? .breakLoop : .continueLoop
        case .leave(let number):
            if let number { put("r\(number)") }
            throw .leave
        case .capture(let inner):
            let texts = try collected([inner], handsOn: true)
            q = texts.isEmpty ? nil : texts
        case .list(let body): q = try collected(body, handsOn: false)
        case .inText(let body): put("[" + (try collected(body, handsOn: true)).joined(separator: " ") + "]")
        case .show: put("q=" + (q ?? []).joined(separator: " "))
        }
    }

    private mutating func attempt(
        _ body: [Statement], _ handler: [Statement]?, _ last: [Statement]?
    ) throws(Jump) {
        var jump: Jump?
        tries += 1
        do { try all(body) } catch { jump = error }
        if let handler, jump == .error || jump == .thrown {
            jump = nil
            do { try all(handler) } catch { jump = error }
        }
        tries -= 1
        if let last { try all(last) }
        if let jump { throw jump }
    }
}
