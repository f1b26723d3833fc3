import MMCore

extension JSONObject {
    /// Returns the members after a write of some of them. Services keep the members of a structured value that a
    /// request leaves out, and replace every other value; a structured value whose `@odata.type` changes is replaced as
    /// well.
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
