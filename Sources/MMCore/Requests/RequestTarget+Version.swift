extension RequestTarget {
    /// The same target under another version: the items of a batch go to the version of the batch.
    package func replacingVersion(_ version: String) -> RequestTarget {
        RequestTarget(
            service: service, writtenOrigin: writtenOrigin, version: version, segments: segments,
            queryItems: queryItems)
    }
}
