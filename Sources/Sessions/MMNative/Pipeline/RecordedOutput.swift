import PowerShellSyntax

/// The variables that a command fills in addition to its output: `-OutVariable`, `-ErrorVariable` and the like, and
/// `-PipelineVariable`, which holds the object that the command put out last for the commands after it.
struct RecordedOutput {
    /// A variable by name, which may name a scope.
    private struct Target {
        let name: String
        let isOuter: Bool
        let isAppending: Bool

        /// Reads `name`, `+name` or `global:name`; `nil` for anything else.
        init?(_ value: PSValue) {
            guard case .string(var text) = value else { return nil }
            isAppending = text.hasPrefix("+")
            if isAppending { text.removeFirst() }
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard let last = parts.last, !last.isEmpty, parts.count <= 2, last.utf8.allSatisfy({ $0 > 0x20 }) else {
                return nil
            }
            let scope = parts.count == 2 ? parts[0].lowercased() : ""
            guard ["", "global", "script", "local"].contains(scope) else { return nil }
            isOuter = scope == "global" || scope == "script"
            name = last.lowercased()
        }
    }

    private var targets: [String: Target] = [:]
    /// The lists in the variables since the command began, by parameter.
    private final class Lists { var all: [String: PSList] = [:] }
    /// `nil` for a command that names no variable, as most do.
    private let lists: Lists?
    /// Whether one of the names can't be a variable's.
    private var isStrange = false
    /// Whether the command's warnings are added one by one.
    private var takesWarnings = false

    /// Reads the variables of a command.
    /// - Parameter values: the names of the variables, by parameter.
    init(_ values: [String: PSValue] = [:]) {
        for (parameter, value) in values {
            guard let target = Target(value), !AutomaticNames.contains(target.name) else {
                isStrange = true
                continue
            }
            targets[parameter] = target
        }
        lists = targets.isEmpty ? nil : Lists()
    }

    var isEmpty: Bool { targets.isEmpty && !isStrange }

    /// The parameters whose variables would get a command's messages.
    private static let ofMessages = ["WarningVariable", "InformationVariable"]

    private static let passing = "PipelineVariable"
    private var passing: Target? { targets[Self.passing] }

    /// Takes these parameters out of a cmdlet's arguments, since the engine and not the cmdlet fills the variables. A
    /// service may withhold the warnings of a cmdlet that is not to show any.
    init(takenFrom arguments: inout [CmdletCall.Argument]) {
        var (left, found): ([CmdletCall.Argument], [String: PSValue]) = ([], [:])
        var place = 0
        while place < arguments.count {
            let argument = arguments[place]
            place += 1
            guard case .parameter(let name, let tied, _) = argument,
                let parameter = CommandSpecification.commonName(name),
                CommandSpecification.recording.contains(parameter)
            else {
                left.append(argument)
                continue
            }
            if let tied {
                found[parameter] = tied
            } else if place < arguments.count, case .value(let value, _) = arguments[place] {
                found[parameter] = value
                place += 1
            } else {
                left.append(argument)
            }
        }
        arguments = left
        self.init(found)
        takesWarnings = !left.contains {
            guard case .parameter(let name, _, _) = $0 else { return false }
            // Services also read the parameter from its first letters, which include its alias.
            return "warningaction".hasPrefix(name.lowercased())
        }
    }

    /// Empties the variables, as a command does at its start, except those whose name has a `+`.
    func begin(in evaluator: Evaluator) throws(Interrupt) {
        guard !isStrange else { throw .handOver("an unusual name of a variable for output") }
        for parameter in Self.ofMessages where targets[parameter] != nil {
            if takesWarnings, parameter == "WarningVariable" { continue }
            throw .handOver("the common parameter -\(parameter)")
        }
        if let passing {
            guard evaluator.onlyReads, !passing.isAppending, !passing.isOuter else {
                throw .handOver("the common parameter -PipelineVariable")
            }
            try evaluator.write(.null, to: place(passing))
        }
        for (parameter, target) in targets where parameter != Self.passing {
            guard !evaluator.foreignVariables.contains(target.name) else {
                throw .handOver("the variable $\(target.name), which was set in the other engine")
            }
            // No variable yet is no error here, even where strict mode refuses to read one.
            let scope = target.isOuter ? evaluator.scriptScope : evaluator.variables
            let list = try Self.list(with: target.isAppending ? scope[target.name] ?? .null : .null)
            lists?.all[parameter] = list
            try evaluator.write(.list(list), to: place(target))
        }
    }

    /// Returns the list to which a command adds what it puts out.
    /// - Parameter before: the variable's value so far.
    private static func list(with before: PSValue) throws(Interrupt) -> PSList {
        switch before {
        case .list(let list):
            guard [.arrayList, .objects].contains(list.kind) else { throw .handOver("output added to a typed list") }
            return list
        case .null, .nothing: return PSList(.arrayList)
        case .array(let items): return PSList(.arrayList, items)
        default: return PSList(.arrayList, before.elements ?? [before])
        }
    }

    /// Adds an object of the command's output.
    func add(_ item: PSValue, in evaluator: Evaluator) throws(Interrupt) {
        if let passing { try evaluator.write(item, to: place(passing)) }
        try add(item, to: "OutVariable", evaluator)
    }

    /// Ends the pipeline, and with it the variable that held its objects.
    func end(in evaluator: Evaluator) throws(Interrupt) {
        if let passing { try evaluator.write(.null, to: place(passing)) }
    }

    /// Adds an error of the command.
    func add(error: PSValue, in evaluator: Evaluator) throws(Interrupt) {
        try add(error, to: "ErrorVariable", evaluator)
    }

    /// Adds a warning of the command.
    func add(warning: String, in evaluator: Evaluator) throws(Interrupt) {
        try add(MergedMessages.record(of: warning, on: .warning), to: "WarningVariable", evaluator)
    }

    private func add(_ item: PSValue, to parameter: String, _ evaluator: Evaluator) throws(Interrupt) {
        guard let list = lists?.all[parameter] else { return }
        try evaluator.note(item)
        list.items.append(item)
    }

    private func place(_ target: Target) -> Evaluator.Place {
        target.isOuter ? .outer(target.name) : .variable(target.name)
    }
}

/// Records a command's output on its way to the next command.
final class RecordingStage: Stage {
    private let recorded: RecordedOutput
    private let evaluator: Evaluator

    init(_ recorded: RecordedOutput, _ evaluator: Evaluator) {
        (self.recorded, self.evaluator) = (recorded, evaluator)
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        try recorded.add(item, in: evaluator)
        try next(item)
    }
}

extension Interrupt {
    /// Returns what the failure of a command comes to whose arguments don't fit its parameters. If it names variables
    /// for its output or messages, PowerShell runs it: what they then hold isn't known here.
    func whileBinding(toRecord namesVariables: Bool) -> Interrupt {
        guard namesVariables, case .statement = self else { return self }
        return .handOver("the variables of a command whose arguments don't fit")
    }
}

extension CommandSyntax {
    /// Returns whether the command names a variable for its output or messages.
    func namesVariables(in evaluator: Evaluator) throws(Interrupt) -> Bool {
        for word in words {
            switch word {
            case .name(let node):
                if CommandSpecification.mayRecord(node.name) { return true }
            case .splat(let splat):
                guard case .table(let table) = try evaluator.splatted(splat) else { continue }
                if table.pairs.contains(where: { CommandSpecification.mayRecord($0.key) }) { return true }
            case .value, .text: break
            }
        }
        return false
    }
}

extension CommandFact {
    /// Whether the command may name a variable for its output or messages, to whose list it may add.
    var mayRecord: Bool {
        arguments.contains { argument in
            switch argument {
            case .parameter(let written, _): return CommandSpecification.mayRecord(written)
            case .value(.dynamic(.splat, _)): return true
            case .value: return false
            }
        }
    }
}
