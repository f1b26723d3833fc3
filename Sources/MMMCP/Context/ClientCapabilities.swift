public import MMCore

/// What a client says it can do.
public struct ClientCapabilities: Sendable, Hashable {
    /// As the client wrote it; unknown members and shapes are kept and mean nothing to us.
    public let raw: JSONObject

    /// Capabilities as they stand in `initialize` or in `_meta`.
    public init(_ raw: JSONObject = [:]) {
        self.raw = raw
    }

    /// Whether it can show a form; `"elicitation": {}` means forms.
    public var elicitsForms: Bool {
        guard let elicitation = raw["elicitation"]?.object else { return false }
        return elicitation["form"] != nil || elicitation["url"] == nil
    }

    /// Whether it can send a person to an address.
    public var elicitsAddresses: Bool { raw["elicitation"]?["url"] != nil }

    /// Whether it lends its model.
    public var samples: Bool { raw["sampling"]?.object != nil }

    /// Whether it tells which folders it works in.
    public var listsRoots: Bool { raw["roots"]?.object != nil }
}

/// Which program a client is.
public struct ClientInfo: Sendable, Hashable {
    /// Its name; empty when it gave none.
    public let name: String
    /// Its version; empty when it gave none.
    public let version: String

    init(_ object: JSONObject?) {
        name = object?["name"]?.string ?? ""
        version = object?["version"]?.string ?? ""
    }
}
