internal import Glibc
public import MMCore
internal import MMHTTP
internal import MMSystem

extension GraphClient {
    /// Sends a file of this machine to a drive, a message or anything else that takes bytes.
    ///
    /// Small files go in one request. Larger ones go through an upload session, which survives lost connections, ended
    /// sessions and a killed process: the same call goes on where the last one stopped. Where the service names a
    /// checksum, it is compared. Memory use doesn't depend on the size.
    ///
    /// ```swift
    /// try await graph.upload("/srv/report.pdf", to: "/me/drive/root:/Reports/")
    /// ```
    /// - Parameters:
    ///   - path: the file.
    ///   - endpoint: a drive's file (`/me/drive/root:/Reports/a.pdf`) or folder (with a slash at its end), or the
    ///     `attachments` of a message.
    ///   - conflict: what happens where a file of that name is there already.
    ///   - deadline: when to give up.
    ///   - progress: called with how far it is.
    /// - Returns: what the service says of the file; `null` where it says nothing.
    /// - Throws: as ``send(_:deadline:)``, and `.remoteFailed` when what arrived isn't what was sent.
    @discardableResult
    public func upload(
        _ path: String, to endpoint: String, conflict: ConflictBehavior = .fail, deadline: Deadline = .never,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws(MMError) -> JSONValue {
        let file = try await BlockingWork.run { () throws(MMError) in
            try FileReader(FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY), path: path)
        }
        let receipt = try await upload(
            plan(uploading: file, to: endpoint, conflict: conflict), deadline: deadline, progress: progress)
        return try receipt.isEmpty ? .null : GraphResponse(status: 200, headers: [:], body: receipt).json()
    }

    /// Plans how a file gets to an endpoint; nothing is sent.
    package func plan(
        uploading file: FileReader, to endpoint: String, conflict: ConflictBehavior
    ) throws(MMError) -> FileUpload {
        let path = endpoint.prefix { $0 != "?" }
        return try FileUpload(file, to: try target(endpoint), isFolder: path.hasSuffix("/"), conflict: conflict) {
            (endpoint) throws(MMError) in try target(endpoint)
        }
    }

    /// Sends a file as planned.
    /// - Returns: what the service says of it; empty where it says nothing.
    package func upload(
        _ upload: FileUpload, deadline: Deadline,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws(MMError) -> [UInt8] {
        let answer: [UInt8]
        do throws(MMError) {
            answer = try await signedIn { () async throws(MMError) in
                switch upload.way {
                case .content, .attachment: return try await sendWhole(upload, deadline: deadline)
                case .session, .attachmentSession:
                    var transfer = UploadTransfer(upload, client: self, deadline: deadline, report: progress)
                    return try await transfer.run()
                }
            }
        } catch {
            guard error.details["status"]?.int == 409, upload.item != nil else { throw error }
            // A call that is repeated because its answer was lost finds its own file.
            if let same = try await identical(to: upload, deadline: deadline) { return same }
            var error = error
            error.hint =
                "There is another file of that name: name it otherwise, or say what becomes of it (--conflict replace or rename)."
            throw error
        }
        try await compare(answer, with: upload)
        return answer
    }

    private func sendWhole(_ upload: FileUpload, deadline: Deadline) async throws(MMError) -> [UInt8] {
        guard let request = try await upload.wholeRequest() else {
            throw MMError(.internalError, "An upload that goes piece by piece was to be sent whole.")
        }
        return try await send(request, deadline: deadline).body
    }

    /// Returns what the service says of the file at the upload's place, if it has the upload's content already.
    func identical(to upload: FileUpload, deadline: Deadline) async throws(MMError) -> [UInt8]? {
        guard let item = upload.item, upload.conflict != .rename else { return nil }
        let request = try GraphRequest(target: try target(item.endpoint()))
        guard let response = try? await send(request, deadline: deadline), let found = try? response.json(),
            found["size"]?.int == upload.file.size, let hash = found["file"]?["hashes"]?["quickXorHash"]?.string
        else { return nil }
        let own = try await upload.file.quickXorHash()
        return hash == own ? response.body : nil
    }

    /// Compares the checksum that the service names with that of the file.
    private func compare(_ answer: [UInt8], with upload: FileUpload) async throws(MMError) {
        guard upload.item != nil, let item = try? JSONParser.parse(answer),
            let hash = item["file"]?["hashes"]?["quickXorHash"]?.string
        else { return }
        let own = try await upload.file.quickXorHash()
        guard hash != own else { return }
        // SharePoint writes a document's library columns into Office files as they arrive.
        if FileKind.isRewritten(upload.file.name) { return }
        try upload.file.checkUnchanged()
        throw MMError(
            .remoteFailed,
            "What arrived at \(upload.request.target.path) is not what was sent: its QuickXorHash is \(hash), that of "
                + "“\(upload.file.path)” \(own).", hint: "Send it again with --conflict replace.", retry: .now)
    }
}
