import PowerShellSyntax

/// The parameters of a built-in command.
struct CommandSpecification {
    /// The cmdlet's name.
    let name: String
    /// The .NET class name at the end of its error ids.
    let className: String
    /// The parameters that take a value.
    let values: [String]
    /// The switch parameters.
    let switches: [String]
    /// The positional parameters, in order.
    let positions: [String]
    /// Whether the last position takes all remaining arguments.
    var takesRest = false
    /// Parameter aliases, with the parameters that they name.
    var aliases: [String: String] = [:]
    /// The parameters whose values are non-negative integers.
    var counts: [String] = []
    /// Whether the command creates objects of its own and needs no input.
    var makesObjects = false

    /// Returns the fully qualified id of an error that the command raises.
    func errorID(_ id: String) -> String { "\(id),Microsoft.PowerShell.Commands.\(className)" }

    /// The parameters of every command, each with its alias. The engine implements -ErrorAction among them, and
    /// those that name variables.
    private static let common = [
        ("Debug", "db"), ("ErrorAction", "ea"), ("ErrorVariable", "ev"), ("InformationAction", "infa"),
        ("InformationVariable", "iv"), ("OutBuffer", "ob"), ("OutVariable", "ov"), ("PipelineVariable", "pv"),
        ("ProgressAction", "proga"), ("Verbose", "vb"), ("WarningAction", "wa"), ("WarningVariable", "wv"),
    ]

    /// Common parameters that only decide what is shown of streams that are shown anyway, or never.
    static let silent: Set<String> = [
        "Debug", "InformationAction", "ProgressAction", "Verbose", "WarningAction", "OutBuffer",
    ]

    /// Common parameters that name a variable for what a command puts out, or for its errors.
    static let recording: Set<String> = ["OutVariable", "ErrorVariable", "WarningVariable", "InformationVariable"]

    /// The common parameter of these that a name, in any case, stands for in full; `nil` for any other.
    static func recording(_ written: String) -> String? {
        let lower = written.lowercased()
        return common.first { $0.0.lowercased() == lower || $0.1 == lower }.map(\.0).flatMap {
            recording.contains($0) ? $0 : nil
        }
    }

    /// Whether a parameter takes no value.
    func isSwitch(_ name: String) -> Bool { switches.contains(name) || name == "Debug" || name == "Verbose" }

    /// Whether the engine implements a parameter.
    func takes(_ name: String) -> Bool {
        name == "ErrorAction" || Self.silent.contains(name) || Self.recording.contains(name) || values.contains(name)
            || switches.contains(name)
    }

    /// The parameters in the binder's order, with their aliases.
    var parameterNames: [(name: String, aliases: [String])] {
        (values + switches).map { name in (name, aliases.filter { $0.value == name }.map(\.key)) }
            + Self.common.map { ($0.0, [$0.1]) }
    }

    /// The binder for the command's arguments.
    var binder: ParameterBinder {
        let names = parameterNames
        func bindable(_ index: Int) -> BindableParameter {
            let name = names[index].name
            return BindableParameter(
                isSwitch: isSwitch(name), position: positions.firstIndex(of: name) ?? -1, identity: index)
        }
        let ownCount = values.count + switches.count
        return ParameterBinder(own: (0..<ownCount).map(bindable), common: (ownCount..<names.count).map(bindable)) {
            ParameterFit($1, name: names[$0].name, aliases: names[$0].aliases)
        }
    }
}
