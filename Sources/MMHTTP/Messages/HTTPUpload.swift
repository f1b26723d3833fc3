/// A request's body that is sent while it arrives from somewhere else, in bounded memory.
///
/// It is sent once: what has been read can't be read again, so a request that has begun is never repeated.
package struct HTTPUpload: Sendable {
    /// How many bytes there will be; nil when nobody knows yet.
    package let length: Int?
    /// The body. Nobody reads it further than the server takes it.
    package let pieces: HTTPBody

    /// A body on its way.
    package init(length: Int?, pieces: HTTPBody) {
        self.length = length
        self.pieces = pieces
    }
}
