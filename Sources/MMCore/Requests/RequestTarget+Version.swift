extension RequestTarget {
    /// Returns the same target with another API version; the items of a batch use the version of the batch.
    package func replacingVersion(_ version: String) -> RequestTarget {
        RequestTarget(
            service: service, writtenOrigin: writtenOrigin, version: version, segments: segments,
            queryItems: queryItems)
    }
}
