public import MMCore

extension Connection {
    /// Returns the resource of a name: one of the cloud's services, one of the connection's `apis`, or an audience such
    /// as `https://org.crm.dynamics.com` or `api://ID/.default`.
    /// - Throws: `invalidInput` for another name, with the known ones.
    public func resource(named name: String) throws(MMError) -> ServiceResource {
        if let api = apis[name] { return .api(api) }
        if let resource = ServiceResource(name: name) { return resource }
        let known = ServiceResource.plain.map(\.name) + apis.keys.sorted()
        throw MMError(
            .invalidInput, "The connection \(self.name) has no resource '\(name.prefix(120))'.",
            hint: "Known resources: \(known.joined(separator: ", ")). To add an API of the tenant: mm connections edit "
                + "\(ShellWord.quoted(self.name)) apis.NAME=https://HOST, or use its audience (https://HOST, api://ID).",
            details: ["connection": .string(self.name), "field": "resource"])
    }
}
