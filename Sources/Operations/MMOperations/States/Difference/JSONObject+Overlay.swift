import MMCore

extension JSONObject {
    /// The members after a write of some of them: services keep the members of a structured value that a request leaves out, and
    /// replace every other value, also a structured one that is of another type from then on.
    func overlaid(by written: JSONObject) -> JSONObject {
        var all = self
        for (name, value) in written {
            if let old = self[name]?.object, let new = value.object,
                new["@odata.type"] ?? old["@odata.type"] == old["@odata.type"]
            {
                all[name] = .object(old.overlaid(by: new))
            } else {
                all[name] = value
            }
        }
        return all
    }
}
