package import MMCore

/// The capabilities that a client declares.
package struct ClientCapabilities: Sendable, Hashable {
    /// The capabilities as the client wrote them; unknown members and shapes are kept and ignored.
    package let raw: JSONObject

    /// Reads the capabilities of `initialize` or of a request's `_meta`.
    package init(_ raw: JSONObject = [:]) {
        self.raw = raw
    }

    /// Whether the client can show a form; `"elicitation": {}` means that it can.
    package var supportsForms: Bool {
        guard let elicitation = raw["elicitation"]?.object else { return false }
        return elicitation["form"] != nil || elicitation["url"] == nil
    }

    /// Whether the client can send its user to a URL.
    package var supportsURLs: Bool { raw["elicitation"]?["url"] != nil }

    /// Whether the client lets the server sample its model.
    package var supportsSampling: Bool { raw["sampling"]?.object != nil }

    /// Whether the client takes tasks in place of results (modern era).
    package var acceptsTasks: Bool { raw["extensions"]?[TaskProtocol.extensionName]?.object != nil }

    /// Whether the client lists its root folders.
    package var listsRoots: Bool { raw["roots"]?.object != nil }
}

/// The client program's name and version.
package struct ClientInfo: Sendable, Hashable {
    /// The client's name; empty when it gave none.
    package let name: String
    /// The client's version; empty when it gave none.
    package let version: String

    init(_ object: JSONObject?) {
        name = object?["name"]?.string ?? ""
        version = object?["version"]?.string ?? ""
    }
}
