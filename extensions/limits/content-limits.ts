/** Limits on what is written into documents and presence (extensions/limits/content). */
export type ContentLimit = "document-size" | "update-size" | "pending-structs" | "presence-size";
