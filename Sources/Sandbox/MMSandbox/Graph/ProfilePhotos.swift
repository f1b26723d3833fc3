internal import MMCore
internal import MMHTTP

/// The profile photos of users and groups. Nobody has one at first.
final class ProfilePhotos {
    private struct Photo {
        let type: String
        let bytes: [UInt8]
    }

    /// The photos by the object id of their owner.
    private var photos: [String: Photo] = [:]
    /// The maximum size in bytes that the service takes.
    private static let most = 4 << 20

    /// The sizes in which the service keeps a photo.
    private static let sizes = [
        "48x48", "64x64", "96x96", "120x120", "240x240", "360x360", "432x432", "504x504", "648x648",
    ]

    /// Shows the photo of a place's owner in one of its sizes: `…/photos/48x48` or, for the bytes,
    /// `…/photos/48x48/$value`. The sandbox keeps only the size that it was given.
    func sized(_ call: GraphCall, _ place: GraphPlace, of owner: String) throws(GraphFailure) -> HTTPServerResponse {
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        guard let size = place.rest.dropFirst().first?.name.lowercased(), Self.sizes.contains(size) else {
            throw Self.none
        }
        var whole = place
        whole.rest = place.rest.dropFirst()
        return try answer(call, whole, of: owner)
    }

    /// Shows, replaces or removes the photo of a place's owner: `…/photo` or, for the bytes, `…/photo/$value`.
    func answer(_ call: GraphCall, _ place: GraphPlace, of owner: String) throws(GraphFailure) -> HTTPServerResponse {
        let rest = place.rest.dropFirst()
        let isContent = rest.first?.name.lowercased() == "$value"
        guard rest.count == (isContent ? 1 : 0) else { throw .unknownSegment(rest.last?.name ?? "photo") }
        switch call.request.method {
        case "PUT", "PATCH":
            guard isContent else { throw .notAllowed(call.request.method) }
            try put(call.request, of: owner)
            return HTTPServerResponse(status: 200)
        case "DELETE":
            guard photos.removeValue(forKey: owner) != nil else { throw Self.none }
            return HTTPServerResponse(status: 204)
        case "GET":
            guard let photo = photos[owner] else { throw Self.none }
            if isContent { return HTTPServerResponse(status: 200, contentType: photo.type, body: photo.bytes) }
            return GraphAnswers.json([
                "id": "240X240", "@odata.mediaContentType": .string(photo.type), "height": 240, "width": 240,
            ])
        default: throw .notAllowed(call.request.method)
        }
    }

    private func put(_ request: HTTPServerRequest, of owner: String) throws(GraphFailure) {
        guard let bytes = request.content.bytes, bytes.count <= Self.most else {
            throw GraphFailure(413, "RequestEntityTooLarge", "The photo is larger than 4 MB.")
        }
        guard !bytes.isEmpty else { throw .badRequest("Entity only allows writes with a JSON or image body.") }
        photos[owner] = Photo(type: request.headers["content-type"] ?? "image/jpeg", bytes: bytes)
    }

    /// The error for an owner without a photo.
    private static let none = GraphFailure(
        404, "ImageNotFound",
        "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.")
}
