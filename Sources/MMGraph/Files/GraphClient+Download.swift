internal import Glibc
public import MMCore
package import MMSystem

extension GraphClient {
    /// Fetches a file into a file of this machine.
    ///
    /// What arrives stands in a draft beside it, which gets the file's name when it is whole and has the checksum that
    /// the service names. A call that was broken off, even by the end of its process, goes on where it stopped. Memory use
    /// doesn't depend on the size.
    ///
    /// ```swift
    /// try await graph.download("/me/drive/root:/Reports/a.pdf", to: "/srv/a.pdf")
    /// ```
    /// - Parameters:
    ///   - endpoint: a drive's file, or anything that answers bytes.
    ///   - path: the file to write.
    ///   - conflict: what happens where the file is there already.
    ///   - deadline: when to give up.
    ///   - progress: called with how far it is.
    /// - Returns: the path of the file that was written.
    /// - Throws: as ``send(_:deadline:)``, and `.remoteFailed` when what arrived isn't what was asked for.
    @discardableResult
    public func download(
        _ endpoint: String, to path: String, conflict: ConflictBehavior = .fail, deadline: Deadline = .never,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws(MMError) -> String {
        let parts = path.split(separator: "/").map(String.init)
        guard let name = parts.last, name != ".", name != "..", !path.hasSuffix("/") else {
            throw MMError(.invalidInput, "“\(path)” isn't the path of a file.", hint: "Give the path of a file.")
        }
        let parent = String(path.dropLast(name.utf8.count))
        let folder = try FileDescriptor.open(parent.isEmpty ? "." : parent, O_RDONLY | O_DIRECTORY)
        return try await download(
            plan(downloading: endpoint), into: folder, name: name, path: path, conflict: conflict, deadline: deadline,
            progress: progress
        ).path
    }

    /// Plans how the file at an endpoint is fetched; nothing is sent.
    package func plan(downloading endpoint: String) throws(MMError) -> FileDownload {
        try FileDownload(try target(endpoint)) { (endpoint) throws(MMError) in try target(endpoint) }
    }

    /// Fetches a file as planned.
    /// - Parameters:
    ///   - folder: the folder that it will stand in.
    ///   - name: its name there.
    ///   - path: its whole path, for messages.
    package func download(
        _ plan: FileDownload, into folder: consuming FileDescriptor, name: String, path: String,
        conflict: ConflictBehavior, deadline: Deadline,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws(MMError) -> DownloadReceipt {
        var file: RemoteFile?
        if let metadata = plan.metadata {
            file = try RemoteFile(try await send(metadata, deadline: deadline).json(), isConverted: plan.isConverted)
        }
        let content = file?.version.map { plan.content.target.pathAndQuery + "\n" + connection.name + "\n" + $0 }
        let draft = try DownloadDraft(in: folder, name: name, path: path, content: content)
        try draft.checkFree(conflict)
        var transfer = DownloadTransfer(
            client: self, request: plan.content, draft: draft, file: file, deadline: deadline, report: progress)
        let start = draft.count
        do throws(MMError) {
            try await transfer.run()
            let written = try await draft.finish(conflict)
            return DownloadReceipt(path: written, size: draft.count, resumedAt: start, quickXorHash: file?.hash)
        } catch {
            // Without a name for the content nobody can go on with its part.
            guard content != nil, draft.count > 0, error.code != .conflict else {
                draft.discard()
                throw error
            }
            var error = error
            error.hint = [error.hint, "The same call goes on after the \(draft.count) bytes that have arrived."]
                .compactMap(\.self).joined(separator: " ")
            throw error
        }
    }
}

/// What became of a file that was fetched.
package struct DownloadReceipt: Sendable, Hashable {
    /// The path of the file.
    package let path: String
    /// Its size in bytes.
    package let size: Int
    /// How many of them an earlier call had fetched.
    package let resumedAt: Int
    /// The checksum that the service names and the file has; `nil` where it names none.
    package let quickXorHash: String?
}

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
