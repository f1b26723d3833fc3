import MMCore
import PowerShellSyntax

/// .NET's static members about the process, its screen and its threads. A run has a screen of lines without a cursor,
/// and nothing of a process: what would only change how one works has no effect.
enum ProcessTypes {
    /// Returns `[type]::name`; `nil` if the type has no such member here.
    static func property(_ type: PSType, _ name: String) -> PSValue? {
        switch (type, name) {
        // Nobody presses a key in a run.
        case (.console, "keyavailable"), (.console, "treatcontrolcasinput"), (.console, "capslock"): .bool(false)
        case (.console, "isinputredirected"), (.console, "isoutputredirected"): .bool(true)
        case (.console, "windowwidth"), (.console, "bufferwidth"): .int(Int32(FormattedBlock.usualWidth))
        case (.console, "windowheight"), (.console, "bufferheight"): .int(30)
        case (.console, "foregroundcolor"): PSEnum(.consoleColor, named: "Gray").map { .enumeration($0) }
        case (.console, "backgroundcolor"): PSEnum(.consoleColor, named: "Black").map { .enumeration($0) }
        case (.console, "title"): .string("")
        case (.console, "outputencoding"), (.console, "inputencoding"): LibraryTypes.property(.encoding, "utf8")
        case (.thread, "currentthread"):
            PSObject(
                [
                    ("ManagedThreadId", .int(1)), ("Name", .null), ("IsBackground", .bool(false)),
                    ("CurrentCulture", PSCulture.invariant ?? .null),
                    ("CurrentUICulture", PSCulture.invariant ?? .null),
                ],
                typeName: "System.Threading.Thread", isCustom: false
            ).map { .object($0) }
        default: nil
        }
    }

    /// The properties of `[Console]` that a run ignores when they are set.
    static let screen: Set<String> = [
        "outputencoding", "inputencoding", "treatcontrolcasinput", "foregroundcolor", "backgroundcolor", "title",
        "windowwidth", "windowheight", "bufferwidth", "bufferheight", "cursorvisible", "cursorleft", "cursortop",
        "cursorsize",
    ]

    /// Calls a static method; `nil` if the type has none of that name here.
    static func call(
        _ type: PSType, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        switch (type, method, arguments.count) {
        case (.collector, "collect", 0...4), (.collector, "waitforpendingfinalizers", 0),
            (.collector, "waitforfullgccomplete", 0...1), (.console, "resetcolor", 0), (.console, "beep", 0...2),
            (.thread, "sleep", 1):
            return .nothing
        case (.collector, "gettotalmemory", 1): return .long(67_108_864)
        case (.console, "readline", 0):
            guard let host = evaluator.host else { return nil }
            return .string(try host.answer(evaluator.assigning ?? "Answer", in: evaluator))
        case (.console, "writeline", 0): return said("", evaluator)
        case (.console, "write", 1), (.console, "writeline", 1):
            return said(try PSText.string(arguments[0]), evaluator, endsLine: method == "writeline")
        case (.console, "write", 2...), (.console, "writeline", 2...):
            let format = try PSText.string(arguments[0])
            let text = try TextOperators.format(format, Array(arguments.dropFirst()))
            return said(text, evaluator, endsLine: method == "writeline")
        case (.escaping, "escape", 1):
            guard case .string(let text) = arguments[0] else { return arguments[0].isNull ? .null : nil }
            return .string(HTMLText.escaped(text).replacing("&#39;", with: "&apos;"))
        default: return try Digests.call(type, method, arguments)
        }
    }

    private static func said(_ text: String, _ evaluator: Evaluator, endsLine: Bool = true) -> PSValue {
        evaluator.say(text, endsLine: endsLine)
        return .nothing
    }
}
