// An error that whoever runs the synthesis can put right: its message is all
// that they need, so it is shown without a stack trace.

export class Refusal extends Error {}
