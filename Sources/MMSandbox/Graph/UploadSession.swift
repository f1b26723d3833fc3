/// A file on its way in, part by part.
struct UploadSession: Sendable {
    let drive: String
    let parent: String
    let name: String
    var received: [UInt8] = []
    var total: Int?
    let expires: Int64
}
