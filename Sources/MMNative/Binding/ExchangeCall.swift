package import MMCore

/// A cmdlet bound to its parameters: what InvokeCommand is sent.
package struct ExchangeCall: Sendable {
    /// The cmdlet's own spelling.
    package internal(set) var cmdlet: String
    /// The members of `Parameters`.
    package internal(set) var parameters = JSONObject()
    /// Headers that parameters turn into.
    package internal(set) var headers: [String: String] = [:]
    /// Rows a page, when the call says how many it wants.
    package internal(set) var pageSize: Int?
    /// Rows in all; `nil` when there is no limit or none was said.
    package internal(set) var limit: Int?
    /// `-UseCustomRouting`: the anchor comes from the identity.
    package internal(set) var usesCustomRouting = false

    /// Properties that are asked for; empty for all.
    package internal(set) var properties: [String] = []
    /// Whether the cmdlet would ask before it acts.
    package internal(set) var asksFirst = false
    /// Whether the cmdlet takes a number of rows, and so has a default of its own.
    package internal(set) var takesResultSize = false
    /// What `-ErrorAction` says, in small letters.
    package internal(set) var errorAction: String?
    /// A common parameter that only PowerShell itself carries out.
    package internal(set) var beyond: String?

    init(cmdlet: String) { self.cmdlet = cmdlet }

    /// Whether a parameter was given, whatever its letter case.
    func has(_ name: String) -> Bool { parameters.keys.contains { $0.lowercased() == name.lowercased() } }

    /// The body of the request.
    package var body: JSONValue {
        ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
    }
}

/// Why a command line does not bind: PowerShell's id, and words that name the remedy.
package struct BindingFault: Error, Sendable, Hashable {
    /// PowerShell's fault id.
    package let id: String
    /// What is wrong, and what would be right.
    package let message: String

    /// Whether only a real PowerShell knows what becomes of the line.
    package let needsPowerShell: Bool

    init(_ id: String, _ message: String, needsPowerShell: Bool = false) {
        self.id = id
        self.message = message
        self.needsPowerShell = needsPowerShell
    }
}
