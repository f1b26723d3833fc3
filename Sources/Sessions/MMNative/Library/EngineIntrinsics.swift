import PowerShellSyntax

/// `$ExecutionContext`: what scripts ask of the engine that runs them.
enum EngineIntrinsics {
    private static let space = "System.Management.Automation."
    private static let commandType = space + "CommandInvocationIntrinsics"
    private static let pathType = space + "PathIntrinsics"

    /// The value of `$ExecutionContext`.
    static func value(_ host: NativeHost) throws(Interrupt) -> PSValue {
        func made(_ name: String, _ pairs: [(String, PSValue)]) -> PSValue {
            PSObject(pairs, typeName: space + name, isCustom: false).map { .object($0) } ?? .null
        }
        let path = made("PathIntrinsics", [("CurrentLocation", try HostCommands.pathObject(host.folder.path))])
        let state = made("SessionState", [("LanguageMode", .string("FullLanguage")), ("Path", path)])
        return made(
            "EngineIntrinsics", [("InvokeCommand", made("CommandInvocationIntrinsics", [])), ("SessionState", state)])
    }

    /// Calls a method; `nil` for other objects and methods.
    static func call(
        _ object: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        guard arguments.count == 1 else { return nil }
        switch (object.typeName, method) {
        case (commandType, "expandstring"):
            return .string(try expanded(try PSText.string(arguments[0]), in: evaluator))
        // Every path is one of the run.
        case (pathType, "getunresolvedproviderpathfrompspath"):
            let path = try PSText.string(arguments[0])
            return .string(evaluator.host?.folder.located(path) ?? path)
        default: return nil
        }
    }

    /// Returns a text with the values of the variables in it. As in a here-string, quotes stand for themselves.
    private static func expanded(_ text: String, in evaluator: Evaluator) throws(Interrupt) -> String {
        guard let host = evaluator.host else { throw .handOver("a text with variables") }
        if text.isEmpty { return "" }
        let source = Array(("@\"\n" + text + "\n\"@").utf16)
        let body = try HostCommands.code(in: PowerShellParser.parse(utf16: source), host, evaluator)
        guard let expression = body.pureExpression else { throw .handOver("an unusual text with variables") }
        switch expression {
        case .string(let node) where node.extent.end == source.count: return node.value
        case .expandableString(let node) where node.extent.end == source.count:
            let unfit = evaluator.unfit
            // Places in this text say nothing about the script's own.
            evaluator.unfit = [:]
            defer { evaluator.unfit = unfit }
            return try evaluator.inside(source) { () throws(Interrupt) in try evaluator.expanded(node) }
        default: throw .handOver("an unusual text with variables")
        }
    }
}
