import MMCore

/// A file on its way to this machine: the requests that fetch it, which the guard judges.
package struct FileDownload: Sendable {
    /// What is asked first about a drive's file: its size and checksum. `nil` elsewhere.
    package let metadata: GraphRequest?
    /// What fetches the content.
    package let content: GraphRequest
    /// The file's name, where the endpoint says it.
    package let name: String?
    /// Whether the service makes another file of it on the way.
    let isConverted: Bool

    /// Plans how the file at an endpoint is fetched.
    /// - Parameter parse: turns an endpoint of the plan into a target of the client.
    init(
        _ target: RequestTarget, _ parse: (String) throws(MMError) -> RequestTarget
    ) throws(MMError) {
        guard let item = DriveItemPath(target), item.suffix.isEmpty || item.suffix == ["content"] else {
            (metadata, name, isConverted) = (nil, nil, false)
            content = try GraphRequest(target: target)
            return
        }
        metadata = try GraphRequest(
            target: try parse(item.endpoint()).addingQuery("$select", "id,name,size,eTag,cTag,file,folder"))
        // A conversion (`?format=pdf`) has another size and checksum than the file.
        isConverted = target.queryValue("format") != nil
        name = item.names.last
        var wanted = try parse(item.endpoint("content"))
        for option in target.queryItems { wanted = wanted.addingQuery(option.name, option.value ?? "") }
        content = try GraphRequest(target: wanted)
    }

    /// All requests, as they are sent.
    package var requests: [GraphRequest] { [metadata, content].compactMap(\.self) }
}

/// What a service says of a drive's file.
package struct RemoteFile: Sendable {
    /// Its name.
    package let name: String
    /// Its size in bytes; `nil` for what has no fixed one.
    let size: Int?
    /// Its QuickXorHash in base64.
    let hash: String?
    /// Says which content it has.
    let version: String?

    /// Reads what the service says.
    /// - Throws: `.invalidInput` for a folder.
    init(_ item: JSONValue, isConverted: Bool) throws(MMError) {
        name = item["name"]?.string ?? ""
        guard item["folder"] == nil || item["folder"]?.isNull == true else {
            throw MMError(
                .invalidInput, "“\(name)” is a folder.",
                hint: "Fetch it with all that lies in it: `recursive` (--recursive); /children behind it lists it.")
        }
        size = isConverted ? nil : item["size"]?.int
        hash = isConverted ? nil : item["file"]?["hashes"]?["quickXorHash"]?.string
        version = item["cTag"]?.string ?? item["eTag"]?.string
    }
}
