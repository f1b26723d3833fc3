import MMCore
import PowerShellSyntax

/// A pipeline that is being set up: names are looked up, parameters bound and arguments evaluated, so that errors in
/// them surface before anything runs.
struct PipelineSetup {
    /// The origin of the pipeline's objects.
    enum Head {
        case expression(ExpressionSyntax)
        case value(PSValue)
        case source(SourceRows)
        case function(ScriptFunction, FunctionArguments, isDotted: Bool)
        /// The first command creates the objects.
        case none
    }

    private let evaluator: Evaluator
    private(set) var head = Head.none
    /// The commands after the head, each followed by what records its output, and by its destination.
    private(set) var stages: [Stage] = []
    private(set) var recordings: [RecordedOutput] = []
    /// Where the messages of each element go.
    private var routed: [MessageRoutes] = []
    /// The command that fails, if one does.
    let failing = FailingCommand()

    init(_ node: PipelineSyntax, in evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        for (place, element) in node.elements.enumerated() {
            let isLast = place == node.elements.count - 1
            switch element {
            case .expression(let expression):
                let target = try Redirection.target(of: expression.redirections, in: evaluator)
                routed.append(MessageRoutes(expression.redirections, isLast: isLast))
                head = .expression(expression.expression)
                lead(to: target)
            case .command(let command):
                let target = try Redirection.target(of: command.redirections, in: evaluator)
                try add(command, isHead: place == 0, isLast: isLast)
                lead(to: target)
            }
        }
    }

    private mutating func lead(to target: Redirection.Target) {
        switch target {
        case .none: break
        case .dropped: stages.append(NullStage())
        case .file(let file): stages.append(OutFileStage(file, evaluator))
        }
    }

    // MARK: Commands

    private mutating func add(_ command: CommandSyntax, isHead: Bool, isLast: Bool) throws(Interrupt) {
        let before = stages.count
        let recorded: RecordedOutput
        do throws(Interrupt) {
            guard let bound = try bind(command, isHead: isHead, isLast: isLast) else { return }
            recorded = bound
        } catch {
            throw error.whileBinding(toRecord: try command.namesVariables(in: evaluator))
        }
        if !recorded.isEmpty {
            recordings.append(recorded)
            stages.append(RecordingStage(recorded, evaluator))
        }
        let own = MessageRoutes(command.redirections, recorded: recorded.isEmpty ? nil : recorded, isLast: isLast)
        routed.append(own)
        for stage in stages.dropFirst(before) { stage.routes = own }
    }

    /// Adds a command with its arguments.
    /// - Returns: the variables that it fills; `nil` if it only opens a file.
    private mutating func bind(
        _ command: CommandSyntax, isHead: Bool, isLast: Bool
    ) throws(Interrupt) -> RecordedOutput? {
        if let function = try Self.function(command, in: evaluator) {
            return try add(function, calledBy: command, isHead: isHead)
        }
        if let rows = try Self.source(command, isHead: isHead, in: evaluator) {
            if isHead { head = .source(rows) } else { stages.append(SourceStage(rows)) }
            return rows.recorded
        }
        return try opensFile(command, isAlone: isHead && isLast) ? nil : try addOwn(command, isHead: isHead)
    }

    private mutating func add(
        _ function: ScriptFunction, calledBy command: CommandSyntax, isHead: Bool
    ) throws(Interrupt) -> RecordedOutput {
        if function.isAdvanced { try evaluator.refuseDefaults(for: function.name) }
        let arguments = try FunctionArguments(command.words, of: function, in: evaluator)
        if isHead {
            head = .function(function, arguments, isDotted: command.invocation == .dot)
        } else {
            guard command.invocation != .dot else { throw .handOver("a function in this scope, piped to") }
            stages.append(FunctionStage(function, arguments, evaluator))
        }
        return arguments.recorded
    }

    /// Returns whether a command in a report only opens a file.
    private func opensFile(_ command: CommandSyntax, isAlone: Bool) throws(Interrupt) -> Bool {
        guard evaluator.onlyReads, let host = evaluator.host, let path = try OpenedFile.path(of: command, in: evaluator)
        else { return false }
        if !host.hasFile(host.folder.located(path)) { host.remark("Not opened: \(path)") }
        guard isAlone else { throw .handOver("a pipeline with a file") }
        return true
    }

    /// Adds a command that the engine carries out itself.
    private mutating func addOwn(_ command: CommandSyntax, isHead: Bool) throws(Interrupt) -> RecordedOutput {
        if let name = command.constantName, evaluator.missing.contains(name.lowercased()) {
            throw .statement(Self.notFound(name))
        }
        let bound = try BoundCommand(command, in: evaluator)
        let name = bound.specification.name
        if !isHead {
            guard bound["InputObject"] == nil || name == "Write-Output" else {
                throw .handOver("-InputObject within a pipeline")
            }
        } else if let own = bound["InputObject"] {
            head = .value(own)
        } else if !bound.specification.makesObjects {
            // Errors in the command's arguments take precedence.
            _ = try Cmdlets.stage(bound, evaluator)
            guard evaluator.onlyReads, Self.ignoresNothing.contains(name) else {
                throw .handOver("\(name) without input")
            }
        }
        let stage = try Cmdlets.stage(bound, evaluator)
        let (evaluator, action) = (evaluator, bound.errorAction)
        stage.report = { (error) throws(Interrupt) in try evaluator.report(error, action) }
        if Self.writesTypes.contains(name) {
            let writesElements = Self.writesElements.contains(name)
            stage.admits = { (item) throws(Interrupt) in
                try evaluator.refuseTyped(within: item)
                if writesElements { try evaluator.refuseOutput(within: item) }
            }
        }
        if FormattedBlock.isRead(by: bound) {
            stage.readsLayout = { layout in layout.warn(for: name, evaluator.host) }
        }
        stages.append(stage)
        return bound.recorded
    }

    /// The cmdlets that write the name of its type for an array in an object.
    private static let writesTypes: Set<String> = [
        "ConvertTo-Csv", "Export-Csv", "ConvertTo-Html", "ConvertTo-Xml", "Export-Clixml",
    ]

    /// Those of them that write the elements of a list which a block put out.
    private static let writesElements: Set<String> = ["ConvertTo-Csv", "Export-Csv", "ConvertTo-Html"]

    /// The cmdlets that need no input: without any they put out nothing, or a page without a table.
    private static let ignoresNothing: Set<String> = ["Where-Object", "Select-Object", "Sort-Object", "ConvertTo-Html"]

    // MARK: Connections

    /// Leads each command's output to the next one, and the last one's to a sink.
    /// - Returns: where messages go while the head runs, and while what follows the pipeline does, `nil` if all go
    ///   where they went before; and the messages that the head puts out among its objects.
    func connect(to sink: @escaping Sink) -> (routes: (MessageRoutes, MessageRoutes)?, merged: MergedMessages?) {
        // What follows the pipeline is no command of it, so that its failure is in none of its variables.
        let (evaluator, outer, failing) = (evaluator, evaluator.routes.replaced(by: MessageRoutes()), failing)
        let redirects = routed.contains { !$0.isEmpty } || routed.count > 1 && !outer.keepers.isEmpty
        let isFed = if case .none = head { false } else { true }
        // A stage that records a command's output stands after that command's own; its messages follow there.
        let merged = isFed && stages.first?.routes?.merged !== routed.first?.merged ? routed.first?.merged : nil
        for (place, stage) in stages.enumerated() {
            let following = place + 1 < stages.count ? stages[place + 1] : nil
            let own = stage.routes?.merged
            stage.routes = redirects ? outer.replaced(by: stage.routes) : nil
            stage.isPiped = place > 0 || isFed
            stage.isLast = following == nil
            let pass: Sink
            if let following {
                pass = { (item) throws(Interrupt) in
                    try evaluator.note(item)
                    try failing.watching(following.routes, evaluator) { () throws(Interrupt) in
                        try following.take(item)
                    }
                }
            } else {
                pass =
                    redirects
                    ? { (item) throws(Interrupt) in
                        try failing.watching(outer, evaluator) { () throws(Interrupt) in try sink(item) }
                    } : sink
            }
            if let own, own !== following?.routes?.merged { stage.merges(own, into: pass) } else { stage.next = pass }
        }
        return (redirects ? (outer.replaced(by: routed.first), outer) : nil, merged)
    }

    // MARK: Names

    /// Returns the error for an unknown command.
    private static func notFound(_ name: String) -> NativeError {
        NativeError(
            "CommandNotFoundException",
            "The term '\(name)' is not recognized as a name of a cmdlet, function, script file, or executable program.\n"
                + "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
            category: "ObjectNotFound", command: name, isReadable: true)
    }

    /// Returns the name of a command: a constant, or the value of the text in `& 'Name'`.
    static func name(of command: CommandSyntax, in evaluator: Evaluator) throws(Interrupt) -> String? {
        if let name = command.constantName { return name }
        guard evaluator.onlyReads, command.invocation == .call, case .argument(let node)? = command.elements.first
        else {
            return nil
        }
        switch try evaluator.value(of: node) {
        case .string(let name): return name
        case .object(let object): return object.typeName == HostCommands.commandType ? object["Name"]?.text : nil
        default: return nil
        }
    }

    /// Returns the script's own function or block that a command calls.
    private static func function(
        _ command: CommandSyntax, in evaluator: Evaluator
    ) throws(Interrupt) -> ScriptFunction? {
        if let name = command.constantName { return try evaluator.function(named: name) }
        guard command.invocation == .call || command.invocation == .dot && evaluator.onlyReads,
            case .argument(let node)? = command.elements.first
        else { return nil }
        let value = try evaluator.value(of: node)
        switch value {
        case .block(let block):
            guard let function = ScriptFunction(calling: block, types: evaluator.scriptTypes) else {
                throw .handOver("an unusual block")
            }
            return function
        case .string(let name):
            if let function = try evaluator.function(named: name) { return function }
            if name.lowercased().hasSuffix(".ps1") { throw .handOver(SubsetCheck.lacking(name, command.invocation)) }
            guard evaluator.onlyReads else { throw .handOver("a command whose name is computed") }
            return nil
        case .object(let object) where evaluator.onlyReads && object.typeName == HostCommands.commandType:
            return try evaluator.function(named: object["Name"]?.text ?? "")
        default: throw .handOver("a command whose name is computed")
        }
    }

    /// Returns the call of a source's cmdlet; `nil` if the command is the engine's own.
    private static func source(
        _ command: CommandSyntax, isHead: Bool, in evaluator: Evaluator
    ) throws(Interrupt) -> SourceRows? {
        guard command.invocation != .dot, let written = try Self.name(of: command, in: evaluator) else {
            return nil
        }
        let name = written.split(separator: "\\").last.map(String.init) ?? written
        guard Cmdlets.specification(of: name) == nil, let source = evaluator.sources.first(where: { $0.knows(name) })
        else { return nil }
        // By its text the script is a report, in which more is allowed than where something is changed.
        guard command.constantName != nil || name.lowercased().hasPrefix("get-") else {
            throw .handOver("\(name) by a computed name, which may change something")
        }
        try evaluator.refuseDefaults(for: name)
        let whole = try CmdletCall(command, name: name, in: evaluator)
        var arguments = whole.arguments
        let recorded = RecordedOutput(takenFrom: &arguments)
        var call = CmdletCall(name: name, arguments: arguments)
        if arguments.count == whole.arguments.count { call.splatted = whole.splatted }
        call.takesInput = !isHead
        // As in PowerShell, a report goes on after a refused request. Before a change the refusal ends the script,
        // because its answer could decide what is changed.
        call.errorPreference = evaluator.preferenceWord ?? (evaluator.onlyReads ? "continue" : nil)
        do throws(CmdletFault) {
            try source.check(call)
        } catch {
            switch error {
            case .failed(let record): throw .statement(record)
            case .handedOver(let reason): throw .handOver(reason)
            case .interrupted(let stop): throw stop.reason
            }
        }
        return SourceRows(call, of: source, recorded, in: evaluator)
    }
}

/// The command of a pipeline that fails. Its error passes through the commands before it.
final class FailingCommand {
    private var routes: MessageRoutes?

    /// The variables that it names; `nil` if it names none, and if what follows the pipeline failed.
    func recorded(orOf head: MessageRoutes?) -> RecordedOutput? { (routes ?? head)?.recorded }

    /// Runs a part of a command, during which messages go these ways; `nil` leaves them as they are.
    func watching(
        _ routes: MessageRoutes?, _ evaluator: Evaluator, _ body: () throws(Interrupt) -> Void
    ) throws(Interrupt) {
        do throws(Interrupt) {
            try evaluator.routing(routes, body)
        } catch {
            switch error {
            case .statement, .fatal, .refused: self.routes = self.routes ?? routes
            default: break
            }
            throw error
        }
    }
}
