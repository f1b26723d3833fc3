package import MMCore

/// A folder of a drive, as an endpoint names it.
package struct DriveFolder: Sendable {
    private let item: DriveItemPath

    /// Something in a folder of a drive.
    package struct Child: Sendable, Hashable {
        /// Its name.
        package let name: String
        /// Its size in bytes.
        package let size: Int?
        /// Its QuickXorHash in base64, where the service names it.
        package let hash: String?
        /// Whether it is a folder.
        package let isFolder: Bool
        /// Why it can't be fetched as a file, such as a notebook; `nil` for files and folders.
        package let reason: String?

        init(_ value: JSONValue) {
            func has(_ name: String) -> Bool { value[name].map { !$0.isNull } ?? false }
            let name = value["name"]?.string ?? ""
            self.name = name
            size = value["size"]?.int
            hash = value["file"]?["hashes"]?["quickXorHash"]?.string
            isFolder = has("folder")
            let isUsable = !name.isEmpty && name != "." && name != ".." && !name.contains(Character("/"))
            reason =
                !isUsable || name.utf8.contains(0)
                ? "its name can't be a file's here"
                : has("file") || isFolder ? nil : "it is no file of this drive (a notebook, or shared from elsewhere)"
        }
    }

    /// Reads an endpoint.
    /// - Parameters:
    ///   - target: the endpoint.
    ///   - name: the folder's name where the endpoint names the folder that it goes into; `nil` where the endpoint names
    ///     the folder itself.
    ///   - isContainer: whether the endpoint was written with a slash at its end.
    /// - Throws: `.invalidInput` for an endpoint that is no place of a drive.
    package init(_ target: RequestTarget, placing name: String? = nil, isContainer: Bool = false) throws(MMError) {
        guard let path = DriveItemPath(target), path.suffix.isEmpty || path.suffix == ["children"] else {
            throw MMError(
                .invalidInput, "\(target.path) is no folder of a drive.",
                hint: "Name one, such as /me/drive/root:/Reports or /drives/ID/items/ID.",
                details: ["field": "endpoint"])
        }
        let plain = path.withoutSuffix
        if let name, path.isFolder || isContainer { item = plain.below(name) } else { item = plain }
    }

    /// The folder's own name, where the endpoint says it.
    package var name: String? { item.names.last }

    /// The endpoint of what lies in the folder.
    package func endpoint(of names: [String]) -> String { item.below(names.joined(separator: "/")).endpoint() }

    /// The request that lists a folder in it; that of the folder itself for no names.
    package func listing(_ names: [String], of client: GraphClient) throws(MMError) -> GraphRequest {
        let folder = names.isEmpty ? item : item.below(names.joined(separator: "/"))
        return try GraphRequest(
            target: try client.target(folder.endpoint("children")).addingQuery(
                "$select", "id,name,size,file,folder"))
    }

    private static func child(_ item: ArraySlice<UInt8>) throws(MMError) -> Child {
        do throws(JSONError) {
            return Child(try JSONParser.parse(Array(item)))
        } catch {
            throw MMError(.remoteFailed, "An item of the drive isn't JSON: \(error).", hint: "Try again.", retry: .now)
        }
    }

    /// Lists what lies in a folder.
    /// - Returns: `nil` where there is no such folder.
    package func children(
        _ request: GraphRequest, of client: GraphClient, deadline: Deadline
    ) async throws(MMError) -> [Child]? {
        var found: [Child] = []
        var pages = client.pages(request, deadline: deadline).makeAsyncIterator()
        do throws(MMError) {
            while let page = try await pages.next(isolation: nil) {
                for item in page.items { found.append(try Self.child(item)) }
            }
        } catch {
            guard error.details["status"]?.int == 404, found.isEmpty else { throw error }
            return nil
        }
        return found
    }
}
