import MMCore
import PowerShellSyntax

/// The parameters that the names in a call of an Exchange cmdlet can refer to.
struct BindableTargets {
    /// One of those parameters.
    enum Target {
        case own(ExchangeTable.Parameter), common(String), should(String)

        var name: String {
            switch self {
            case .own(let parameter): parameter.name
            case .common(let name), .should(let name): name
            }
        }

        var isSwitch: Bool {
            switch self {
            case .own(let parameter): parameter.isSwitch
            case .common(let name): name == "Debug" || name == "Verbose"
            case .should: true
            }
        }
    }

    let all: [Target]
    let binder: ParameterBinder

    /// Collects the parameters of a cmdlet.
    /// - Parameters:
    ///   - cmdlet: the cmdlet.
    ///   - common: the names and aliases of the common parameters.
    ///   - support: the bits 1 for `-WhatIf` and 4 for `-Confirm`.
    init(_ cmdlet: ExchangeTable.Cmdlet, common: [[String]], support: Int) {
        var others = common.map { (names: $0, target: Target.common($0.first ?? "")) }
        if support & 1 != 0 { others.append((["WhatIf", "wi"], .should("WhatIf"))) }
        if support & 4 != 0 { others.append((["Confirm", "cf"], .should("Confirm"))) }
        let own = cmdlet.parameters
        let aliases = own.map(\.aliases) + others.map { Array($0.names.dropFirst()) }
        let all = own.map(Target.own) + others.map(\.target)
        self.all = all
        // A parameter appears once for each of its positions.
        let first = own.map { one in own.firstIndex { $0.name == one.name } ?? 0 }
        binder = ParameterBinder(
            own: own.enumerated().map { index, one in
                BindableParameter(
                    isSwitch: one.isSwitch, position: one.position, sets: one.sets, identity: first[index])
            },
            common: others.enumerated().map { index, one in
                BindableParameter(isSwitch: one.target.isSwitch, position: -1, identity: own.count + index)
            }
        ) { ParameterFit($1, name: all[$0].name, aliases: aliases[$0]) }
    }

    /// Returns the only parameter that a name can refer to.
    func only(
        of candidates: [Int], written: String, _ cmdlet: ExchangeTable.Cmdlet
    ) throws(BindingFault) -> Target {
        if candidates.count == 1 { return all[candidates[0]] }
        guard let first = candidates.first else {
            let near = NearestNames.of(written, among: cmdlet.parameters.map(\.name)).joined(separator: ", ")
            throw BindingFault(
                "NamedParameterNotFound",
                "\(cmdlet.name) has no parameter \(written)." + (near.isEmpty ? "" : " Near: \(near)."))
        }
        let ownCount = cmdlet.parameters.count
        let meant = first < ownCount ? candidates.filter { $0 < ownCount } : candidates
        throw BindingFault(
            "AmbiguousParameter",
            "-\(written) may mean \(meant.map { all[$0].name }.sorted().joined(separator: ", ")). "
                + "Write more of the name.")
    }
}
