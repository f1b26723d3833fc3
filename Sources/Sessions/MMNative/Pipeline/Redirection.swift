import PowerShellSyntax

/// Where a command's output goes besides the pipeline.
enum Redirection {
    /// What becomes of the output stream.
    enum Target {
        case none, dropped
        case file(OutFileStage.Settings)
    }

    /// Reads redirections: to `$null`, of streams into one another, and to files of the run.
    static func target(of nodes: [RedirectionSyntax], in evaluator: Evaluator) throws(Interrupt) -> Target {
        var target = Target.none
        for node in nodes {
            switch node {
            case .merging: throw .handOver("a redirection")
            case .file(let file):
                if case .variable(let variable) = file.target, variable.path.name.lowercased() == "null" {
                    if file.stream == .output || file.stream == .all { target = .dropped }
                    continue
                }
                guard file.stream == .output || file.stream == .all, evaluator.host != nil else {
                    throw .handOver("a redirection")
                }
                let path = try PSText.string(try evaluator.value(of: file.target))
                target = .file(OutFileStage.Settings(path: path, isAppending: file.isAppending))
            }
        }
        return target
    }

    /// Why redirections are not supported; `nil` where they are.
    static func misfit(_ nodes: [RedirectionSyntax], hasFiles: Bool) -> String? {
        for node in nodes {
            guard case .file(let file) = node else { return "a redirection" }
            if case .variable(let variable) = file.target, variable.path.name.lowercased() == "null" { continue }
            guard hasFiles, file.stream == .output || file.stream == .all else { return "a redirection" }
        }
        return nil
    }
}

/// A function of the script's own behind a `|`.
final class FunctionStage: Stage {
    private let function: ScriptFunction
    private let arguments: FunctionArguments
    private let evaluator: Evaluator
    private var items: [PSValue] = []

    init(_ function: ScriptFunction, _ arguments: FunctionArguments, _ evaluator: Evaluator) {
        (self.function, self.arguments, self.evaluator) = (function, arguments, evaluator)
    }

    override func process(_ item: PSValue) throws(Interrupt) { items.append(item) }

    override func finish() throws(Interrupt) {
        try evaluator.call(function, arguments, input: items, into: next)
    }
}
