/// A request body that is sent while it arrives from elsewhere, in bounded memory.
///
/// It is sent only once: what has been read can't be read again, so a request that has begun is never repeated.
package struct HTTPUpload: Sendable {
    /// The number of bytes; nil if unknown.
    package let length: Int?
    /// The body, which is read only as fast as the server takes it.
    package let pieces: HTTPBody

    /// Creates a streamed request body.
    package init(length: Int?, pieces: HTTPBody) {
        self.length = length
        self.pieces = pieces
    }
}
