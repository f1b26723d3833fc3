package import MMCore
import MMGuard
import MMNative

/// The tables' description of a cmdlet, for writing a call of it.
package enum CmdletReference {
    /// Returns a cmdlet with its class and parameters, once for each service that has it.
    /// - Parameter name: its name, in any case.
    /// - Throws: `notFound` with the nearest names.
    package static func of(_ name: String) throws(MMError) -> JSONValue {
        let table = ExchangeTable.standard
        let classes = CmdletClasses()
        let services: [ExchangeTable.Service] = [.exo, .scc]
        let sheets = services.compactMap { service -> JSONValue? in
            guard let described = table.description(of: name, in: service) else { return nil }
            return .object(detailed(row(of: described.name, service, classes), table))
        }
        guard !sheets.isEmpty else {
            let near = NearestNames.of(name, among: services.flatMap { table.names(of: $0) })
            throw MMError(
                .notFound, "There is no cmdlet \(name.prefix(100)).",
                hint: near.isEmpty
                    ? "Cmdlet names have the form Verb-Noun, such as Get-Mailbox."
                    : "Near: \(near.joined(separator: ", ")).")
        }
        return ["cmdlets": .array(sheets)]
    }

    /// Returns a cmdlet's row of the list.
    static func row(of name: String, _ service: ExchangeTable.Service, _ classes: CmdletClasses) -> JSONObject {
        [
            "name": .string(name), "module": .string(service.module),
            "class": .string(classes.ofExchange(name).map(\.rawValue).joined(separator: ", ")),
        ]
    }

    /// Returns one cmdlet with its class and parameters as text.
    static func text(of row: JSONObject, _ table: ExchangeTable) -> String {
        let name = row["name"]?.string ?? ""
        let service = row["module"]?.string.flatMap { ExchangeTable.Service(module: $0) }
        let described = service.flatMap { table.description(of: name, in: $0) }
        let parameters = (described?.parameters ?? []).map { parameter in
            "-\(parameter.name)" + (parameter.isSwitch ? "" : " <\(parameter.type)>")
                + (parameter.isPositional ? ", positional" : "")
        }
        let head = "\(name): \(row["class"]?.string ?? "")"
        let allowed = row["allowed"]?.bool.map { $0 ? "The account may run it." : "The account may not run it." }
        return ([head] + [allowed].compactMap(\.self) + parameters).joined(separator: "\n")
    }

    /// Returns one cmdlet with all details of its parameters.
    static func detailed(_ row: JSONObject, _ table: ExchangeTable) -> JSONObject {
        guard let name = row["name"]?.string,
            let service = row["module"]?.string.flatMap({ ExchangeTable.Service(module: $0) }),
            let described = table.description(of: name, in: service)
        else { return row }
        var detailed = row
        detailed["whatIf"] = .bool(described.supportsWhatIf)
        detailed["confirm"] = .bool(described.supportsConfirm)
        detailed["parameters"] = .array(
            described.parameters.map { parameter in
                var entry: JSONObject = [
                    "name": .string(parameter.name), "type": .string(parameter.type),
                    "switch": .bool(parameter.isSwitch), "positional": .bool(parameter.isPositional),
                    "pipeline": .bool(parameter.takesPipeline),
                ]
                if !parameter.aliases.isEmpty { entry["aliases"] = .array(parameter.aliases.map { .string($0) }) }
                return .object(entry)
            })
        return detailed
    }
}
