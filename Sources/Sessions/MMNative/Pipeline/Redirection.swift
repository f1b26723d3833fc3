import PowerShellSyntax

/// Where a command's messages go: its streams, beside the screen, and the variables that also get its errors.
struct MessageRoutes {
    /// Where the messages of one stream go.
    enum Route {
        /// To `$null`.
        case dropped
        /// Among the objects of the command.
        case merged(MergedMessages)
    }

    private var routes: [RedirectionStream: Route] = [:]
    /// The messages that are put out among the command's objects; `nil` if none are.
    private(set) var merged: MergedMessages?
    /// The variables of the command itself; `nil` if it names none.
    private(set) var recorded: RecordedOutput?
    /// The variables that get the command's errors: its own, and those of the functions that put out what it puts out.
    private(set) var keepers: [RecordedOutput]
    /// Whether what runs the command puts out what the command does.
    private let isLast: Bool

    /// Reads the redirections of one command.
    /// - Parameters:
    ///   - recorded: the variables that the command fills; `nil` for none.
    ///   - isLast: whether it is the last command of its pipeline.
    init(_ nodes: [RedirectionSyntax] = [], recorded: RecordedOutput? = nil, isLast: Bool = true) {
        (self.recorded, self.isLast) = (recorded, isLast)
        keepers = [recorded].compactMap(\.self)
        for node in nodes {
            switch node {
            case .merging(let node): merge(node.from)
            case .file(let node) where node.target.isNull: set(node.stream, .dropped)
            case .file(let node) where node.stream == .all: merge(.all)
            case .file: continue
            }
        }
    }

    var isEmpty: Bool { routes.isEmpty && keepers.isEmpty }

    subscript(stream: RedirectionStream) -> Route? { routes[stream] }

    private mutating func merge(_ stream: RedirectionStream) {
        let messages = merged ?? MergedMessages()
        merged = messages
        set(stream, .merged(messages))
    }

    private mutating func set(_ stream: RedirectionStream, _ route: Route) {
        switch stream {
        case .output: break
        case .all:
            for each: RedirectionStream in [.error, .warning, .verbose, .debug, .information] { routes[each] = route }
        default: routes[stream] = route
        }
    }

    /// Returns these routes with those of an inner command, which come first.
    func replaced(by inner: MessageRoutes?) -> MessageRoutes {
        guard let inner else { return self }
        var all = self
        all.routes.merge(inner.routes) { _, inner in inner }
        all.recorded = inner.recorded
        all.keepers = (inner.isLast ? keepers : []) + inner.keepers
        return all
    }
}

/// Messages that wait until their command puts out its next object, or ends: they are objects of its output then.
final class MergedMessages {
    private var waiting: [PSValue] = []

    /// Adds a message, as the record that a script sees.
    func add(_ message: NativeOutput) {
        switch message {
        case .error(let error): waiting.append(ErrorRecords.value(of: error, isWhole: true))
        case .warning(let text): waiting.append(Self.record(of: text, on: .warning))
        case .information(let text): waiting.append(Self.record(of: text, on: .information))
        case .object(let object): waiting.append(object)
        }
    }

    /// Passes the messages on.
    func release(_ pass: Sink) throws(Interrupt) {
        while !waiting.isEmpty { try pass(waiting.removeFirst()) }
    }

    private static let prefix = "System.Management.Automation."
    private static let types = Set(
        ["ErrorRecord", "WarningRecord", "VerboseRecord", "DebugRecord", "InformationRecord"].map { prefix + $0 })

    /// Returns whether an object is a message that stands among others.
    static func isMessage(_ item: PSValue) -> Bool {
        if case .object(let object) = item { types.contains(object.typeName) } else { false }
    }

    /// Returns the line that shows a message; `nil` for any other object.
    static func shown(_ item: PSValue) -> String? {
        guard case .object(let object) = item, types.contains(object.typeName) else { return nil }
        guard let message = ErrorRecords.message(of: item) else { return object.model }
        guard case .object(let category)? = object["CategoryInfo"], let command = category["Activity"]?.text,
            !command.isEmpty
        else { return message }
        return "\(command): \(message)"
    }

    /// Returns a message of a stream as the record that a script sees.
    static func record(of text: String, on stream: RedirectionStream) -> PSValue {
        switch stream {
        case .warning: record("WarningRecord", "Message", text)
        case .verbose: record("VerboseRecord", "Message", text)
        case .debug: record("DebugRecord", "Message", text)
        default: record("InformationRecord", "MessageData", text)
        }
    }

    private static func record(_ name: String, _ property: String, _ text: String) -> PSValue {
        let pairs = [(property, PSValue.string(text))]
        guard var object = PSObject(pairs, typeName: prefix + name, isCustom: false) else {
            return .null
        }
        object.model = text
        return .object(object)
    }
}

/// The destination of a command's output other than the pipeline.
enum Redirection {
    /// The destination of the output stream.
    enum Target {
        case none, dropped
        case file(OutFileStage.Settings)
    }

    /// Reads the redirections of the output: to `$null` and to files of the run.
    static func target(of nodes: [RedirectionSyntax], in evaluator: Evaluator) throws(Interrupt) -> Target {
        var target = Target.none
        for node in nodes {
            switch node {
            case .merging where evaluator.onlyReads: continue
            case .merging: throw .handOver("a redirection")
            case .file(let file):
                if file.target.isNull {
                    if file.stream == .output || file.stream == .all { target = .dropped }
                    continue
                }
                guard file.stream == .output || file.stream == .all, let host = evaluator.host else {
                    throw .handOver("a redirection")
                }
                let path = host.folder.located(try PSText.string(try evaluator.value(of: file.target)))
                target = .file(OutFileStage.Settings(path: path, isAppending: file.isAppending))
            }
        }
        return target
    }

    /// Returns why redirections aren't supported; `nil` if they are. No recording shows where messages stand among
    /// objects.
    static func misfit(_ nodes: [RedirectionSyntax], hasFiles: Bool, onlyReads: Bool) -> String? {
        for node in nodes {
            guard case .file(let file) = node else {
                guard onlyReads else { return "a redirection" }
                continue
            }
            if file.target.isNull { continue }
            guard hasFiles, file.stream == .output || file.stream == .all else { return "a redirection" }
        }
        return nil
    }
}

extension ExpressionSyntax {
    /// Whether it is `$null`.
    fileprivate var isNull: Bool {
        if case .variable(let variable) = self { variable.path.name.lowercased() == "null" } else { false }
    }
}
