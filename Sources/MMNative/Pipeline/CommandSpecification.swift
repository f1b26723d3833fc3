import PowerShellSyntax

/// What a built-in command takes.
struct CommandSpecification {
    /// The cmdlet's name.
    let name: String
    /// The .NET class that ends the ids of its errors.
    let className: String
    /// Parameters with a value.
    let values: [String]
    /// Switches.
    let switches: [String]
    /// Values by position, first first.
    let positions: [String]
    /// The last position takes all that is left.
    var takesRest = false
    /// Aliases of parameters, with the parameter they name.
    var aliases: [String: String] = [:]
    /// Values that are whole numbers, not negative.
    var counts: [String] = []
    /// It puts out objects of its own and needs none.
    var makesObjects = false

    /// The fully qualified id of an error that the command raises.
    func errorID(_ id: String) -> String { "\(id),Microsoft.PowerShell.Commands.\(className)" }

    /// The parameters of every command, each with its alias. Of them the engine itself carries out -ErrorAction.
    private static let common = [
        ("Debug", "db"), ("ErrorAction", "ea"), ("ErrorVariable", "ev"), ("InformationAction", "infa"),
        ("InformationVariable", "iv"), ("OutBuffer", "ob"), ("OutVariable", "ov"), ("PipelineVariable", "pv"),
        ("ProgressAction", "proga"), ("Verbose", "vb"), ("WarningAction", "wa"), ("WarningVariable", "wv"),
    ]

    /// Whether the engine carries out what a parameter says.
    func takes(_ name: String) -> Bool {
        name == "ErrorAction" || values.contains(name) || switches.contains(name)
    }

    /// The parameters as the binder numbers them, with their aliases.
    var parameterNames: [(name: String, aliases: [String])] {
        (values + switches).map { name in (name, aliases.filter { $0.value == name }.map(\.key)) }
            + Self.common.map { ($0.0, [$0.1]) }
    }

    /// What binds the command's arguments.
    var binder: ParameterBinder {
        let names = parameterNames
        func bindable(_ index: Int) -> BindableParameter {
            let name = names[index].name
            return BindableParameter(
                isSwitch: switches.contains(name), position: positions.firstIndex(of: name) ?? -1, identity: index)
        }
        let ownCount = values.count + switches.count
        return ParameterBinder(own: (0..<ownCount).map(bindable), common: (ownCount..<names.count).map(bindable)) {
            ParameterFit($1, name: names[$0].name, aliases: names[$0].aliases)
        }
    }
}
