import MMCore
import MMNative

/// The subscription that Azure's cmdlets use in a session, and the cmdlet that chooses it.
final class StandInSubscription: Sendable {
    private let chosen = Mutex<JSONValue?>(nil)

    /// What the module says where a sign-in has no subscription.
    static let absence =
        "No subscription found in the context. Please ensure that the credentials you provided are authorized to access "
        + "an Azure subscription, then run Connect-AzAccount to login."

    /// The subscription that was chosen last.
    var current: JSONValue? { chosen.withLock { $0 } }

    /// Returns whether a name is that of the cmdlet that chooses a subscription.
    static func chooses(_ name: String) -> Bool {
        ["set-azcontext", "select-azsubscription"].contains(name.lowercased())
    }

    /// Chooses one of the sign-in's subscriptions by name or id, as `Set-AzContext` does.
    /// - Returns: `nil` when none matches, which the module reports as an error.
    func choose(_ wanted: String?, among rows: [JSONValue]) -> JSONValue? {
        let found = rows.first { row in
            wanted.map { text in
                [row["Id"]?.string, row["Name"]?.string].contains { $0?.lowercased() == text.lowercased() }
            }
                ?? false
        }
        if let found { chosen.withLock { $0 = found } }
        return found
    }

    /// Chooses the initial subscription: the one that a sign-in names, or the first; a tenant may have none.
    /// - Returns: `false` when the named one doesn't exist.
    func begin(_ wanted: String?, among rows: [JSONValue]) -> Bool {
        guard wanted == nil else { return choose(wanted, among: rows) != nil }
        chosen.withLock { $0 = rows.first }
        return true
    }

    /// Returns the subscription that a call names by a parameter, by position, or by its input object.
    /// - Throws: `handedOver` for a parameter that the stand-in doesn't know.
    static func named(in call: CmdletCall) throws(CmdletFault) -> String? {
        var found: String?
        var open: String?
        for argument in call.arguments {
            switch argument {
            case .parameter(let name, let value, _):
                open = value == nil ? name.lowercased() : nil
                if let value { found = try text(value, of: name.lowercased()) ?? found }
            case .value(let value, _):
                found = try text(value, of: open ?? "subscription") ?? found
                open = nil
            }
        }
        if let input = call.input { found = try text(input, of: "subscriptionobject") ?? found }
        return found
    }

    private static func text(_ value: PSValue, of parameter: String) throws(CmdletFault) -> String? {
        guard !["erroraction", "warningaction", "force", "scope"].contains(parameter) else { return nil }
        guard ["subscription", "subscriptionid", "subscriptionname", "subscriptionobject"].contains(parameter) else {
            throw .handedOver("-\(parameter) of Set-AzContext")
        }
        let json = value.convertedToJSON(depth: 2)
        return json?.string ?? json?["Id"]?.string ?? json?["Name"]?.string
    }
}
