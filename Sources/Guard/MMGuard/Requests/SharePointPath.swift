/// Paths of SharePoint's interfaces in the one form that rules speak of.
enum SharePointPath {
    /// The path (in lower case) with `_api` for the long name of the same interface, `_vti_bin/client.svc`.
    static func plain(_ path: [String]) -> [String] {
        guard let start = path.firstIndex(of: "_vti_bin"), path.dropFirst(start + 1).first == "client.svc" else {
            return path
        }
        return path[..<start] + ["_api"] + path[(start + 2)...]
    }
}
