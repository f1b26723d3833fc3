internal import Glibc
public import MMCore
package import MMSystem

extension GraphClient {
    /// Downloads a file to a file on this machine.
    ///
    /// The content is written to a draft beside the file, which is renamed when it is complete and has the checksum
    /// that the service names. An interrupted call, even one whose process ended, is continued where it stopped. Memory
    /// use doesn't depend on the size.
    ///
    /// ```swift
    /// try await graph.download("/me/drive/root:/Reports/a.pdf", to: "/srv/a.pdf")
    /// ```
    /// - Parameters:
    ///   - endpoint: a drive's file, or any endpoint that returns bytes.
    ///   - path: the file to write.
    ///   - conflict: what to do if the file exists already.
    ///   - deadline: when to give up.
    ///   - progress: called with the progress.
    /// - Returns: the path of the file that was written.
    /// - Throws: as ``send(_:deadline:)``, and `.remoteFailed` when the content that arrived isn't the requested one.
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

    /// Plans the download of the file at an endpoint; nothing is sent.
    package func plan(downloading endpoint: String) throws(MMError) -> FileDownload {
        try FileDownload(try target(endpoint)) { (endpoint) throws(MMError) in try target(endpoint) }
    }

    /// Downloads a file as planned.
    /// - Parameters:
    ///   - folder: the folder of the new file.
    ///   - name: the new file's name.
    ///   - path: the new file's path, for messages.
    package func download(
        _ plan: FileDownload, into folder: consuming FileDescriptor, name: String, path: String,
        conflict: ConflictBehavior, deadline: Deadline, progress: @escaping @Sendable (TransferProgress) -> Void
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
            // Without an identity of the content, the draft can't be continued later.
            guard content != nil, draft.count > 0, error.code != .conflict else {
                draft.discard()
                throw error
            }
            var error = error
            error.hint = [error.hint, "Repeat the call to continue after the \(draft.count) bytes that have arrived."]
                .compactMap(\.self).joined(separator: " ")
            throw error
        }
    }
}

/// The result of a download.
package struct DownloadReceipt: Sendable, Hashable {
    /// The path of the file.
    package let path: String
    /// The size in bytes.
    package let size: Int
    /// The number of bytes that an earlier call had downloaded.
    package let resumedAt: Int
    /// The checksum that the service named and that was verified; `nil` if it named none.
    package let quickXorHash: String?
}

/// The download of a file: the requests for it, which the guard checks.
package struct FileDownload: Sendable {
    /// The first request for a drive's file, which reads its size and checksum; `nil` elsewhere.
    package let metadata: GraphRequest?
    /// The request for the content.
    package let content: GraphRequest
    /// The file's name, if the endpoint contains it.
    package let name: String?
    /// Whether the service converts the file to another format.
    let isConverted: Bool

    /// Plans the download of the file at an endpoint.
    /// - Parameter parse: converts an endpoint of the plan to a target of the client.
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

/// A service's description of a drive's file.
package struct RemoteFile: Sendable {
    /// The name.
    package let name: String
    /// The size in bytes; `nil` for content without a fixed size.
    let size: Int?
    /// The QuickXorHash in base64.
    let hash: String?
    /// The tag that identifies the version of the content.
    let version: String?

    /// Reads the service's description.
    /// - Throws: `.invalidInput` for a folder.
    init(_ item: JSONValue, isConverted: Bool) throws(MMError) {
        name = item["name"]?.string ?? ""
        guard item["folder"] == nil || item["folder"]?.isNull == true else {
            throw MMError(
                .invalidInput, "“\(name)” is a folder.",
                hint:
                    "To list it, add /children to the path (--recursive downloads it with its contents)."
            )
        }
        size = isConverted ? nil : item["size"]?.int
        hash = isConverted ? nil : item["file"]?["hashes"]?["quickXorHash"]?.string
        version = item["cTag"]?.string ?? item["eTag"]?.string
    }
}
