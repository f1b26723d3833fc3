/// The version of the product, the same in every library and program.
public enum ProductVersion {
    /// As in `mm version`; semantic versioning.
    public static let text = "0.1.0"
}
