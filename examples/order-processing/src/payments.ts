/** What the worker knows of the payment service. */

export interface ChargeRequest {
  /** The same key is the same charge, however often it is sent. */
  readonly key: string
  readonly orderId: string
  readonly card: string
  readonly cents: number
}

export type Payment = { readonly outcome: 'charged'; readonly paymentId: string } | { readonly outcome: 'declined' }

export interface Payments {
  /** Rejects when the service fails, or when nobody knows whether it did: then send the same key again. */
  charge(request: ChargeRequest, signal: AbortSignal): Promise<Payment>
}
